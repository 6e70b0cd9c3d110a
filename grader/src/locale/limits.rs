//! Limits in words.

use supervisor::event::LimitKind;

use super::Lang;

/// A limit with its unit, as something that can be reached: `64 processes`, `1 GiB of memory`.
#[must_use]
pub fn limit_words(limit: LimitKind, most: u64, lang: Lang) -> String {
    let seconds = |point: &str, unit: &str| {
        if most.is_multiple_of(1000) {
            format!("{} {unit}", most / 1000)
        } else {
            format!("{}{point}{:03} {unit}", most / 1000, most % 1000)
        }
    };
    match lang {
        Lang::En => {
            let size = || size(most, ["bytes", "KiB", "MiB", "GiB"]);
            match limit {
                LimitKind::Wall => format!("{} of time", seconds(".", "s")),
                LimitKind::Cpu => format!("{} of processor time", seconds(".", "s")),
                LimitKind::Memory => format!("{} of memory for all processes together", size()),
                LimitKind::AddressSpace => format!("{} of memory for one process", size()),
                LimitKind::Processes => format!("{most} processes"),
                LimitKind::Output => format!("{} of output", size()),
                LimitKind::FileSize => format!("{} for one file", size()),
                LimitKind::Disk => format!("{} of files", size()),
                LimitKind::Descriptors => format!("{most} open descriptors"),
            }
        }
        Lang::Ru => {
            let size = || size(most, ["байт", "КиБ", "МиБ", "ГиБ"]);
            match limit {
                LimitKind::Wall => format!("время {}", seconds(",", "с")),
                LimitKind::Cpu => format!("процессорное время {}", seconds(",", "с")),
                LimitKind::Memory => format!("память всех процессов вместе {}", size()),
                LimitKind::AddressSpace => format!("память одного процесса {}", size()),
                LimitKind::Processes => format!("число процессов {most}"),
                LimitKind::Output => format!("объём вывода {}", size()),
                LimitKind::FileSize => format!("размер одного файла {}", size()),
                LimitKind::Disk => format!("место для файлов {}", size()),
                LimitKind::Descriptors => format!("число открытых дескрипторов {most}"),
            }
        }
    }
}

/// Bytes in the largest unit that divides them.
fn size(bytes: u64, units: [&str; 4]) -> String {
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1024 && value.is_multiple_of(1024) && unit + 1 < units.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_its_number_and_unit() {
        let en = |limit, most| limit_words(limit, most, Lang::En);
        assert_eq!(en(LimitKind::Processes, 64), "64 processes");
        assert_eq!(en(LimitKind::Cpu, 5_000), "5 s of processor time");
        assert_eq!(en(LimitKind::Wall, 1_500), "1.500 s of time");
        assert_eq!(en(LimitKind::Output, 4 << 20), "4 MiB of output");
        assert_eq!(en(LimitKind::FileSize, 1000), "1000 bytes for one file");
        assert_eq!(
            limit_words(LimitKind::Processes, 64, Lang::Ru),
            "число процессов 64"
        );
        assert_eq!(
            limit_words(LimitKind::Wall, 1_500, Lang::Ru),
            "время 1,500 с"
        );
    }
}
