//! Numbers from a seed: nonces and bulk data. The same seed gives the same run.

/// The word length of a nonce: fixed, so that piece lengths in a lab mean the same in each run.
const NONCE: usize = 10;

/// SplitMix64 (Steele, Lea, Flood 2014): tiny, well distributed, and the same on every machine
/// and in every version, which recorded transcripts depend on.
#[derive(Clone, Debug)]
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A seed nobody chose: the clock's nanoseconds and the process, mixed.
#[must_use]
pub fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::from(since.subsec_nanos()) ^ since.as_secs().rotate_left(32)
        });
    // Short enough to be typed after --seed.
    SplitMix::new(now ^ u64::from(std::process::id()).rotate_left(48)).next() >> 32
}

/// The seed of one scenario's run: the same whichever other scenarios are run beside it.
#[must_use]
pub fn scenario_seed(seed: u64, scenario: &str, repeat: u32) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&repeat.to_le_bytes());
    hasher.update(scenario.as_bytes());
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

/// A word that occurs nowhere else, without `a` and `z`: whether a program that forgets the first
/// or the last letter passes must not depend on the seed. The fixed texts of the labs have them.
pub(super) fn nonce(seed: u64) -> String {
    let mut numbers = SplitMix::new(seed);
    (0..NONCE)
        .filter_map(|_| char::from_u32(u32::from(b'b') + (numbers.next() % 24) as u32))
        .collect()
}

/// A TCP port: below those that the kernel hands out, not one that needs a privilege, and another
/// one when its bytes are swapped, so that a forgotten `htons` shows.
pub(super) fn port(seed: u64) -> u16 {
    let drawn = SplitMix::new(seed ^ 0x706f_7274).next();
    let high = 0x20 + (drawn % 0x5f) as u16;
    let other = 1 + (drawn >> 8) as u16 % 0x5e;
    let low = 0x20 + (high - 0x20 + other) % 0x5f;
    high << 8 | low
}

/// Letters of both cases, digits and, one in 32, newlines.
pub(super) fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    const ALPHABET: &[u8; 64] =
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n\n";
    /// Characters of six bits from one number.
    const AT_ONCE: usize = 10;
    let mut numbers = SplitMix::new(seed);
    let mut out = Vec::with_capacity(count.saturating_add(AT_ONCE));
    while out.len() < count {
        let bits = numbers.next();
        let word: [u8; AT_ONCE] =
            std::array::from_fn(|i| ALPHABET[(bits >> (6 * i) & 63) as usize]);
        out.extend_from_slice(&word);
    }
    out.truncate(count);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_port_needs_no_privilege_and_has_an_order_of_bytes() {
        for seed in 0..20_000 {
            let port = port(seed);
            assert!((0x2020..0x8000).contains(&port), "{port}");
            assert_ne!(port, port.swap_bytes());
            assert!(port.swap_bytes() >= 1024);
        }
    }

    #[test]
    fn splitmix_is_the_published_one() {
        // First outputs for seed 1234567, from the reference implementation.
        let mut numbers = SplitMix::new(1_234_567);
        assert_eq!(
            [numbers.next(), numbers.next(), numbers.next()],
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn bulk_data_never_changes() {
        // Snapshots contain its hash.
        assert_eq!(random_bytes(24, 7), random_bytes(4096, 7)[..24]);
        insta::assert_snapshot!(
            blake3::hash(&random_bytes(65536, 7)).to_hex().as_str(),
            @"497c32550acc5010d8bf2dc4367ff433c82db6acd53ff1f30f29faa7244d623b"
        );
    }

    proptest! {
        #[test]
        fn data_is_what_it_says(count in 0usize..3000, seed: u64) {
            let bytes = random_bytes(count, seed);
            prop_assert_eq!(bytes.len(), count);
            prop_assert!(bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'\n'));
        }

        #[test]
        fn nonces_are_words_of_one_length(seed: u64) {
            let word = nonce(seed);
            prop_assert_eq!(word.len(), NONCE);
            prop_assert!(word.bytes().all(|b| (b'b'..=b'y').contains(&b)));
            prop_assert_eq!(word, nonce(seed));
        }

        #[test]
        fn every_run_has_its_own_seed(seed: u64, repeat in 0u32..50) {
            let one = scenario_seed(seed, "a", repeat);
            prop_assert_ne!(one, scenario_seed(seed, "b", repeat));
            prop_assert_ne!(one, scenario_seed(seed, "a", repeat + 1));
            prop_assert_ne!(one, scenario_seed(seed.wrapping_add(1), "a", repeat));
        }
    }
}
