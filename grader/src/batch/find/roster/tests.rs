use super::*;

fn parse(text: &str) -> Result<Roster, String> {
    Roster::parse(text, Path::new("class.csv")).map_err(|error| error.to_string())
}

#[test]
fn any_name_of_a_student_is_the_student() {
    let roster = parse(
        "Group;Student;Name;Email;GitHub;Canvas ID\n\
         21214;s07;Ivanov Ivan;ivanov@uni.example;ivan-i;1007\n\
         21214;s08;Petrova Anna;petrova@uni.example;;1008\n",
    )
    .unwrap();
    for name in [
        "s07",
        "S07",
        "Ivanov Ivan",
        "ivanovivan",
        "ivanivanov",
        "ivan-i",
        "1007",
        "21214/s07",
    ] {
        let found = roster.find([name]).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(found.student, "s07", "{name}");
    }
    assert_eq!(roster.find(["unknown", "1008"]).unwrap().student, "s08");
    assert_eq!(roster.find(["nobody"]), None);
}

#[test]
fn lists_of_learning_management_systems_are_rosters() {
    let canvas = parse(
        "Student,ID,SIS User ID,SIS Login ID,Section,Lab 30 (501)\n\
         \u{20}   Points Possible,,,,,10.00\n\
         \"Ivanov, Ivan\",1007,310071,ivan,OS-1,\n",
    )
    .unwrap();
    assert_eq!(canvas.students.len(), 1);
    assert_eq!(canvas.account("1007").unwrap().group, "OS-1");
    assert_eq!(canvas.find(["ivanovivan"]), canvas.account("1007"));
    // Who has not joined yet has no login, and most have no name.
    let classroom = parse(
        "\"identifier\",\"github_username\",\"github_id\",\"name\"\n\
         \"ivanov@uni.example\",\"ivan-i\",\"77\",\"\"\n\
         \"310072\",\"\",\"\",\"\"\n",
    )
    .unwrap();
    let ivanov = classroom.find(["Ivan-I"]).unwrap();
    assert_eq!(ivanov.student, "ivanov@uni.example");
    assert_eq!(ivanov.person.email.as_ref(), Some(&ivanov.student));
    assert_eq!(classroom.students[1].student, "310072");
    let moodle = parse(
        "Имя,Фамилия,Индивидуальный номер,\"Адрес электронной почты\",Группы\n\
         Иван,Иванов,310071,ivanov@uni.example,21214\n\
         Иван,Петров,310072,petrov@uni.example,21214\n",
    )
    .unwrap();
    for name in ["Иван Иванов", "Иванов Иван", "21214/Иванов Иван", "310071"]
    {
        assert_eq!(moodle.find([name]).unwrap().student, "ivanov", "{name}");
    }
}

#[test]
fn what_spreadsheets_write_is_read() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("class.csv");
    let tabs = "\u{feff}group\tstudent\n21214\tИванов\n";
    let semicolons = "группа;студент\r\n21214;Иванов\r\n";
    for (text, charset) in [
        (tabs, Charset::Utf8),
        (tabs, Charset::Utf16Le),
        (tabs, Charset::Utf16Be),
        (semicolons, Charset::Utf8),
        (semicolons, Charset::Cp1251),
    ] {
        std::fs::write(&path, charset.encode(text).0).unwrap();
        let roster = Roster::read(&path).unwrap();
        assert_eq!(roster.charset, charset);
        assert_eq!(roster.students[0].group, "21214");
        assert_eq!(roster.students[0].student, "Иванов");
    }
    std::fs::write(&path, b"student\nM\xfcller\n").unwrap();
    let error = Roster::read(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("class.csv: neither UTF-8 nor Russian in CP1251; save it as CSV UTF-8")
    );
}

#[test]
fn a_letter_that_many_write_without_its_dots_is_the_same_letter() {
    let roster = parse("student,name\ns1,Семёнов Пётр\ns2,Орлов Артём\ns3,Орлов Артем\n").unwrap();
    for name in ["Семёнов Пётр", "Семенов Петр", "Семенов Пётр"] {
        assert_eq!(roster.find([name]).unwrap().student, "s1", "{name}");
    }
    // Unless it is what tells two of them apart.
    assert_eq!(roster.find(["Орлов Артём"]).unwrap().student, "s2");
    assert_eq!(roster.find(["Орлов Артем"]).unwrap().student, "s3");
}

#[test]
fn a_name_of_two_is_nobodys() {
    let roster = parse("student,name\na,Ivanov Ivan\nb,Ivanov Ivan\n").unwrap();
    assert_eq!(roster.find(["Ivanov Ivan"]), None);
    assert_eq!(roster.find(["b"]).unwrap().student, "b");
    let both: Vec<&str> = roster
        .namesakes("ivanov, ivan")
        .iter()
        .map(|row| row.student.as_str())
        .collect();
    assert_eq!(both, ["a", "b"]);
    assert!(roster.namesakes("b").is_empty());
}

#[test]
fn what_is_only_ones_is_not_in_two_lines() {
    for (title, kind, first, second) in [
        ("email", "e-mail address", "A@x.example", "a@x.example"),
        ("number", "number", "310", "310"),
        ("login", "login", "ivan", "Ivan"),
        ("canvas id", "LMS id", "1007", "1007"),
        ("github", "alias", "ivan-i", "ivan-i"),
    ] {
        let error =
            parse(&format!("student,{title}\na,{first}\nc,\nd,\nb,{second}\n")).unwrap_err();
        let says = format!("class.csv, line 5: the {kind} {second} of b is that of line 2 too");
        assert!(error.contains(&says), "{error}");
        assert!(error.contains("correct one of them"), "{error}");
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    assert!(parse("points\n3\n").unwrap_err().contains("has points"));
    assert!(
        parse("student\na\na\n")
            .unwrap_err()
            .contains("line 3: the student a is in line 2 already; delete one")
    );
    for (text, says) in [
        ("", "class.csv: the file is empty"),
        ("\u{feff}\n\n", "class.csv: the file is empty"),
        ("student,group\n", "no student below the first line"),
        ("student,group\n,\n", "no student below the first line"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(says), "{error}");
        assert!(error.contains("group,student,name"), "{error}");
    }
    let roster = parse("\u{feff}email\n\"x@y.example\"\n").unwrap();
    assert_eq!(roster.students[0].student, "x");
}

#[test]
fn a_separator_or_a_quote_too_many_moves_nobodys_cells() {
    let head = "group,student,name,email,number\n";
    for (rows, says) in [
        (
            "1,ann,Ivanova, Ann,a@x.example,7\n",
            "line 2: there are 6 cells, and 5 titles in the first line; put quotes",
        ),
        // What is moved stays within the titles where the last cell is empty.
        (
            "1,ann,A,a@x.example,\n1,bob,Ivanov, Bob,b@x.example\n",
            "line 3: `Bob` below `email` is no e-mail address",
        ),
        (
            "1,ann,A,,\n1,bob,\"Bob,b@x.example,8\n1,eva,E,,\n1,ida,I,,\n",
            "line 3: the cell below `name` goes over the end of its line",
        ),
        (
            "1,a\0nn,A,,\n",
            "line 2: the cell below `student` goes over",
        ),
    ] {
        let error = parse(&format!("{head}{rows}")).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    // Spreadsheets end a line with empty cells, and a remark may go over several lines.
    let text = "student,name,remark\nann,\"Ivanova, Ann\",\"two\nlines\",,,\nbob,B\n";
    assert_eq!(parse(text).unwrap().students.len(), 2);
}

#[test]
fn lists_of_a_deans_office_are_rosters() {
    let roster = parse(
        "Фамилия;Имя;Отчество;Группа;№ зачётки;Бюджет;Электронная почта\n\
         Иванов;Иван;Иванович;21214;310071;да;ivanov@uni.example\n",
    )
    .unwrap();
    for name in [
        "Иванов Иван Иванович",
        "Иванов Иван",
        "Иван Иванов",
        "310071",
    ] {
        let found = roster.find([name]).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(found.person.name.as_deref(), Some("Иванов Иван Иванович"));
        assert_eq!(found.person.number.as_deref(), Some("310071"));
    }
    assert_eq!(roster.unused, ["Бюджет"]);
    for title in ["Зачётка", "Зачётная книжка", "Номер зачётки", "Студ. билет"]
    {
        let roster = parse(&format!("student,{title}\ns07,77\n")).unwrap();
        assert_eq!(roster.find(["77"]).unwrap().student, "s07", "{title}");
        assert_eq!(roster.unused, [""; 0]);
    }
    // What another system has exported has columns of its own.
    let canvas = "Student,ID,SIS User ID,Section,Lab 30 (501)\nIvan,1,2,A,\n";
    assert_eq!(parse(canvas).unwrap().unused, [""; 0]);
}

#[test]
fn a_line_for_excel_is_no_title_and_a_workbook_no_csv() {
    for text in [
        "sep=;\r\nstudent;email\r\nvera, anna;v@x\r\n",
        "\u{feff}sep=,\nstudent,email\n\"vera, anna\",v@x\n",
    ] {
        let roster = parse(text).unwrap();
        assert_eq!(roster.students[0].student, "vera, anna");
    }
    let error = parse("sep=;\nstudent;email\nvera;v@x\nanna;V@x\n").unwrap_err();
    assert!(error.contains("line 4"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"PK\x03\x04\0\0").unwrap();
    let error = Roster::read(file.path()).unwrap_err().to_string();
    assert!(error.contains("not a CSV file"), "{error}");
}
