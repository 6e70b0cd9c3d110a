//! Parts that are put together.

use super::*;

#[test]
fn a_part_brings_its_labs_as_they_were() {
    let dir = TempDir::new().unwrap();
    let mut part = Gradebook::open(&dir.path().join("part.db")).unwrap();
    let boris = result("boris", "2", "lab 1", ONE);
    let mut aaron = result("aaron", "3", "lab 1", &[]);
    (aaron.status, aaron.report) = (Status::Ungradable, None);
    merge(&mut part, &[boris.clone(), aaron.clone()]);
    part.connection
        .execute("UPDATE lab_version SET toml = x'0102'", [])
        .unwrap();
    let mut whole = book(&dir);
    let labs = BTreeMap::new();
    for _ in 0..2 {
        let mut step = whole.merge("os", &labs, "results merge").unwrap();
        step.part(&part).unwrap();
        // The first result tells nothing of the requirements.
        step.record(&aaron).unwrap();
        step.record(&boris).unwrap();
        step.finish().unwrap();
    }
    assert_eq!(whole.labs().unwrap(), part.labs().unwrap());
    assert_eq!(whole.labs().unwrap()[0].requirements.len(), 2);
    let toml: Vec<u8> = whole
        .connection
        .query_row("SELECT toml FROM lab_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(toml, [1, 2]);
}

#[test]
fn of_points_set_by_hand_in_two_parts_the_last_are_in_force() {
    let dir = TempDir::new().unwrap();
    let mut whole = book(&dir);
    let parts: Vec<Gradebook> = [(5.0, 100), (9.0, 300), (7.0, 200)]
        .into_iter()
        .map(|(points, at)| {
            let mut part = Gradebook::open(&dir.path().join(format!("{at}.db"))).unwrap();
            merge(&mut part, &[result("anna", "1", "lab 1", ONE)]);
            part.set_override("anna", "us-upper", None, points, "t", "w")
                .unwrap();
            let sql = "UPDATE override SET at = ?";
            part.connection.execute(sql, [at]).unwrap();
            part
        })
        .collect();
    let labs = BTreeMap::new();
    for _ in 0..2 {
        let mut step = whole.merge("os", &labs, "results merge").unwrap();
        for part in &parts {
            step.part(part).unwrap();
        }
        step.record(&result("anna", "1", "lab 1", ONE)).unwrap();
        step.finish().unwrap();
        assert_eq!(scores(&whole), [("anna".into(), Some(9.0))]);
        let all = whole.overrides().unwrap();
        let in_force = all.iter().filter(|entry| entry.withdrawn.is_none());
        assert_eq!((all.len(), in_force.count()), (3, 1));
    }
}
