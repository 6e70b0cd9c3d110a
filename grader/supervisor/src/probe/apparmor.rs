//! Ubuntu's restriction of user namespaces: they can be made, but hold no power.

use std::path::Path;

use super::Check;

const SWITCH: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

/// Where AppArmor is behind a refusal, says so and gives the profile that lifts it.
pub(super) fn explain(check: &mut Check, exe: &Path) {
    let restricted = std::fs::read_to_string(SWITCH).is_ok_and(|value| value.trim() == "1");
    if !check.ok && restricted {
        check
            .detail
            .push_str("; AppArmor restricts user namespaces");
        check.remedy = Some(profile(exe));
    }
}

fn profile(exe: &Path) -> String {
    format!(
        "write this to /etc/apparmor.d/grader and run `sudo apparmor_parser -r \
         /etc/apparmor.d/grader`:\n\
         abi <abi/4.0>,\n\
         include <tunables/global>\n\
         profile grader \"{}\" flags=(unconfined) {{\n  \
           userns,\n\
         }}",
        exe.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_names_the_executable_and_grants_user_namespaces() {
        let text = profile(Path::new("/opt/grader"));
        assert!(
            text.ends_with("profile grader \"/opt/grader\" flags=(unconfined) {\n  userns,\n}")
        );
    }

    #[test]
    fn what_works_is_not_explained() {
        let mut check = Check::new("user namespace", Ok("fine".into()));
        let before = check.clone();
        explain(&mut check, Path::new("/opt/grader"));
        assert_eq!(check, before);
    }
}
