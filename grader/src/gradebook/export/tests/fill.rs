//! Files of somebody else's, filled: whose row is whose, and what is left alone.

use super::*;

/// Grades of one student, who is called so.
fn one(change: impl FnOnce(&mut ResultRecord)) -> Grades {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut record = result(
        "ivan",
        "2",
        "lab",
        &[("s-a", "pass", 10), ("s-b", "fail", 0)],
    );
    change(&mut record);
    merge(&mut gradebook, &[record]);
    Grades::read(&gradebook, "us-upper", Detail::Line, Lang::En).unwrap()
}

#[test]
fn a_number_of_one_kind_is_none_of_another() {
    let grades = one(|ivan| {
        ivan.person.name = Some("Ivanov Ivan".into());
        ivan.person.number = Some("1007".into());
    });
    // Anna's number in Canvas is Ivan's at the university.
    let template = "Student,ID,SIS User ID,SIS Login ID,Section,Lab (5)\n\
        \"Petrova, Anna\",1007,310071,anna,A,\n\"Ivanov, Ivan\",1008,1007,ii,A,\n";
    let filled = canvas(&grades, template.as_bytes(), "Lab").unwrap();
    assert_eq!(filled.text, template.replace(",ii,A,", ",ii,A,10"));
    assert_eq!(filled.unknown, ["Petrova, Anna"]);
    // Moodle's participant is no number of the university's either.
    let template = "Identifier,Full name,ID number,Status,Grade,Maximum grade\n\
        Participant 1007,Anna Petrova,310071,-,,20.00\nParticipant 5,Ivan Ivanov,1007,-,,20.00\n";
    let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
    assert_eq!(filled.text, template.replace("1007,-,,20", "1007,-,10,20"));
}

#[test]
fn a_file_that_a_spreadsheet_has_saved_goes_back_as_it_came() {
    let grades = one(|ivan| ivan.person.name = Some("Семёнов Иван".into()));
    let canvas_file = "Student;ID;Section;Lab (5)\r\nСемёнов Иван;1;«А»;\r\n";
    let filled = canvas(&grades, &Charset::Cp1251.encode(canvas_file).0, "Lab").unwrap();
    assert_eq!(filled.charset, Charset::Cp1251);
    assert_eq!(filled.text, canvas_file.replace("«А»;", "«А»;10"));
    let tabs = format!("\u{feff}{}", canvas_file.replace(';', "\t"));
    let filled = canvas(&grades, &Charset::Utf16Le.encode(&tabs).0, "Lab").unwrap();
    assert_eq!(filled.charset, Charset::Utf16Le);
    assert_eq!(filled.text, tabs.replace("«А»\t", "«А»\t10"));
    let moodle_file = "Идентификатор;Полное имя;Статус;Оценка;Максимальная оценка;Отзыв\r\n\
        Участник5;Семёнов Иван;-;;20,00;\r\n";
    let filled = moodle_worksheet(&grades, &Charset::Cp1251.encode(moodle_file).0).unwrap();
    assert_eq!(filled.charset, Charset::Cp1251);
    assert!(
        filled.text.contains(";Семёнов Иван;-;10;20,00;"),
        "{}",
        filled.text
    );
    let (bytes, _) = filled.charset.encode(&filled.text);
    assert!(bytes.windows(4).any(|bytes| bytes == b"\xd1\xe5\xec\xb8"));
    let error = canvas(&grades, b"Student,ID\nM\xfcller,1\n", "Lab").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the template is not UTF-8 in line 2")
    );
}

#[test]
fn of_two_people_of_one_name_nobody_gets_the_others_grade() {
    let grades = one(|ivan| ivan.person.name = Some("Ivanov Ivan".into()));
    let template = "Student,ID,Section,Lab (5)\nIvanov Ivan,1,A,\nIvanov Ivan,2,A,\n";
    let filled = canvas(&grades, template.as_bytes(), "Lab").unwrap();
    assert_eq!((filled.text.as_str(), filled.filled), (template, 0));
    assert_eq!(filled.namesakes.len(), 2);
    assert_eq!(filled.missing, ["21214/ivan"]);
    // Who is known by a number is not also somebody else of that name.
    let grades = one(|ivan| {
        ivan.person.name = Some("Ivanov Ivan".into());
        ivan.person.lms = Some("2".into());
    });
    let filled = canvas(&grades, template.as_bytes(), "Lab").unwrap();
    assert_eq!(filled.text, template.replace(",2,A,", ",2,A,10"));
    // Nor whom the university's number tells apart.
    let grades = one(|ivan| {
        ivan.person.name = Some("Ivanov Ivan".into());
        ivan.person.number = Some("77".into());
    });
    let template = "Student,ID,SIS User ID,Section,Lab (5)\nIvanov Ivan,1,78,A,\n";
    let filled = canvas(&grades, template.as_bytes(), "Lab").unwrap();
    assert_eq!(filled.text, template);
}

#[test]
fn canvas_may_write_names_in_two_columns_and_says_other_things_above_the_students() {
    let grades = one(|ivan| ivan.person.name = Some("Ivan Ivanov".into()));
    let template = "LastName,FirstName,ID,SIS User ID,Section,Lab (5)\n\
        ,,,,,Manual Posting\n    Points Possible,,,,,20\nIvanov,Ivan,8,,A and B,\nStudent,Test,9,,A,\n";
    let filled = canvas(&grades, template.as_bytes(), "Lab").unwrap();
    assert_eq!(filled.text, template.replace("A and B,", "A and B,10"));
    assert_eq!(filled.unknown, [""; 0]);
}

#[test]
fn moodles_worksheet_is_scaled_whatever_its_language_is() {
    let grades = one(|ivan| ivan.person.lms = Some("1008".into()));
    for head in [
        "Identifiant,Nom complet,Adresse de courriel,Statut,Note,Note maximale,La note peut être modifiée,Dernière modification (note),Commentaires",
        "Identificador,Nombre completo,Dirección de correo,Estado,Calificación,Calificación máxima,Se puede cambiar la calificación,Última modificación (calificación),Comentarios de retroalimentación",
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,Zuletzt geändert (Bewertung),Feedback als Kommentar",
        "Идентификатор,Полное имя,Адрес электронной почты,Состояние,Оценка,Максимальная оценка,Оценка может быть изменена,Последнее изменение (оценка),Отзыв в виде комментария",
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade),Feedback comments",
    ] {
        let template = format!("{head}\nX1008,x,i@x.example,s,,\"5,00\",+,-,\n");
        let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
        let expected = template.replace(
            ",s,,\"5,00\",+,-,",
            ",s,\"2,5\",\"5,00\",+,-,[grader: 10 of 20; failed: s-b]",
        );
        assert_eq!((filled.text, filled.scaled), (expected, Some(5.0)));
    }
}

#[test]
fn a_grade_that_moodle_has_locked_stays_and_is_told() {
    let grades = one(|ivan| ivan.person.lms = Some("1008".into()));
    for no in ["No", "Нет", "Nein", "Non"] {
        let template = format!(
            "Identifier,Full name,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade),Feedback comments\n\
             Participant 1008,Ivan Ivanov,s,3.00,20.00,{no},-,by hand\n"
        );
        let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
        assert_eq!((filled.text, filled.filled), (template, 0));
        assert_eq!(filled.locked, ["Ivan Ivanov"]);
        assert_eq!(filled.missing, [""; 0]);
    }
}

#[test]
fn moodles_worksheet_keeps_the_separator_that_it_has() {
    let grades = one(|ivan| ivan.person.lms = Some("1008".into()));
    for separator in [";", "\t"] {
        let template = "Identifier|Full name|Status|Grade|Maximum grade|Last modified (grade)\n\
            Participant 1008|Ivan, Ivanov|s||20,00|-\n"
            .replace('|', separator);
        let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
        let from = format!("s{separator}{separator}");
        let to = format!("s{separator}10{separator}");
        assert_eq!(filled.text, template.replace(&from, &to));
    }
}

#[test]
fn the_participants_number_is_that_of_the_assignment() {
    // The download of another lab has told another number since.
    let grades = one(|ivan| {
        ivan.person.lms = Some("2002".into());
        ivan.place = "dl.zip/Ivan_the_3rd_1008_assignsubmission_file_/lab30.zip".into();
    });
    assert_eq!(moodle_participant(&grades.rows[0]).as_deref(), Some("1008"));
    let grades = one(|ivan| ivan.person.lms = Some("2002".into()));
    assert_eq!(moodle_participant(&grades.rows[0]).as_deref(), Some("2002"));
}

#[test]
fn a_name_for_a_file_is_short_in_bytes() {
    let name = file_name(&"学生".repeat(80));
    assert!(name.len() <= 100 && name.starts_with("学生学"), "{name}");
}

#[test]
fn a_grade_that_is_replaced_and_a_worth_that_is_not_known_are_told() {
    let grades = one(|ivan| ivan.person.lms = Some("1008".into()));
    let head = "Identifier,Full name,Status,Grade,Maximum grade,Last modified (grade)";
    for (was, maximum, replaced, unscaled) in [
        ("", "20.00", false, false),
        ("-", "20.00", false, false),
        ("\"10,00\"", "20.00", false, false),
        ("3.00", "20.00", true, false),
        ("Good", "", true, true),
    ] {
        let template = format!("{head}\nParticipant 1008,Ivan,s,{was},{maximum},-\n");
        let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
        assert!(filled.text.contains(",s,10,"), "{}", filled.text);
        let told = (!filled.replaced.is_empty(), filled.unscaled);
        assert_eq!(told, (replaced, unscaled), "{was}, {maximum}");
    }
    let template = "Student,ID,Section,Lab (5)\n    Points Possible,,,20\nIvan,1008,A,15\n";
    let filled = canvas(&grades, template.as_bytes(), "Lab").unwrap();
    assert_eq!(
        (filled.replaced, filled.unscaled),
        (vec!["Ivan".into()], false)
    );
}

#[test]
fn what_is_only_reported_is_no_failure_beside_full_marks() {
    let dir = TempDir::new().unwrap();
    let mut gradebook = book(&dir);
    let mut record = result(
        "anna",
        "1",
        "lab",
        &[("s-a", "pass", 10), ("s-c", "fail", 0)],
    );
    record.report.as_mut().unwrap().requirements[1].of = 0;
    record.of = 10;
    merge(&mut gradebook, &[record]);
    let line = |lang| {
        let grades = Grades::read(&gradebook, "us-upper", Detail::Line, lang).unwrap();
        grades.rows[0].feedback.clone()
    };
    assert_eq!(line(Lang::En), "10 of 10; failed at no cost: s-c");
    assert_eq!(
        line(Lang::Ru),
        "10 из 10; не выполнено, без потери баллов: s-c"
    );
}

#[test]
fn a_comment_that_the_teacher_typed_stays() {
    let grades = one(|ivan| ivan.person.lms = Some("1008".into()));
    let head =
        "Identifier,Full name,Status,Grade,Maximum grade,Last modified (grade),Feedback comments";
    let template = format!("{head}\nParticipant 1008,Ivan,s,10,20.00,-,My own comment\n");
    let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
    let ours = "My own comment [grader: 10 of 20; failed: s-b]";
    assert_eq!(filled.text, template.replace("My own comment", ours));
    assert_eq!((filled.filled, filled.commented.len()), (1, 1));
    let again = moodle_worksheet(&grades, filled.text.as_bytes()).unwrap();
    assert_eq!(again.text, filled.text);
    // Of what was not graded too, and such a row is filled in as well.
    let grades = one(|ivan| {
        ivan.person.lms = Some("1008".into());
        (ivan.status, ivan.report) = (Status::Ungradable, None);
        ivan.message = Some("submissions/ivan: no program of this lab found".into());
    });
    let template = format!("{head}\nParticipant 1008,Ivan,s,,20.00,-,I called him\n");
    let filled = moodle_worksheet(&grades, template.as_bytes()).unwrap();
    let ours = "I called him [grader: not graded: no program of this lab found]";
    assert_eq!(filled.text, template.replace("I called him", ours));
    assert_eq!((filled.filled, filled.commented.len()), (1, 1));
}

#[test]
fn a_scale_is_not_filled_in() {
    let grades = one(|ivan| ivan.person.lms = Some("1008".into()));
    for (head, most) in [
        ("Scale", "\"Poor, Good\""),
        ("Шкала", "Да"),
        ("Maximum grade", "Poor"),
    ] {
        let template = format!("Identifier,Full name,Status,Grade,{head}\nX1008,Ivan,s,,{most}\n");
        let error = moodle_worksheet(&grades, template.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("graded by a scale"), "{error}");
    }
}

#[test]
fn a_comment_says_what_was_not_built() {
    let grades = one(|ivan| {
        let report = ivan.report.as_mut().unwrap();
        let build = serde_json::json!({"program": "client", "executable": "us-client",
            "from": "client.c", "cached": false, "warnings": "", "failure": "client.c:3: error"});
        report.builds = vec![serde_json::from_value(build).unwrap()];
        ivan.scenarios[0].result = "not-built".into();
    });
    let says = &grades.rows[0].feedback;
    assert_eq!(says, "10 of 20; us-client was not built; failed: s-b");
}
