//! Compiles "what happens to which call" into a short seccomp program.
//!
//! The kernel checks, translates and compiles every line anew for each program started, and with a
//! filter that compares numbers only it goes through it for every number there is, to learn which calls
//! are always allowed: a list compared one by one (as `seccompiler` makes it) costs half a millisecond.
//! Here a binary search finds the number's block of 32, and a set of bits for each answer says what
//! happens to it: a third fewer lines than a search among the numbers alone, and a shift by which the
//! kernel learns nothing in advance. Measured for what is traced: 38 µs for each program, not 57, and 20
//! ns more for each call that is allowed, of which a small program makes a hundred.

use std::collections::BTreeMap;

use libc::{sock_filter, sock_fprog};

use crate::raw;

/// A program for the kernel.
pub(crate) type Program = Vec<sock_filter>;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is carried out.
    Allow,
    /// It is not carried out and fails with this `errno`.
    Fail(u16),
    /// It stops for the tracer.
    Trace,
}

impl Fate {
    fn value(self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Fail(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
            Self::Trace => libc::SECCOMP_RET_TRACE,
        }
    }
}

/// A condition on the low 32 bits of an argument, which is how the kernel reads an `int`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// Which argument, from 0.
    pub argument: u8,
    /// What is asked of it.
    pub is: Is,
}

/// See [`Test`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    /// This value.
    Equal(u32),
    /// Any other value.
    Not(u32),
    /// At least one of these bits is set.
    HasAny(u32),
    /// Of these bits the value has exactly those that are also in `value`.
    Masked {
        /// What is looked at.
        bits: u32,
        /// What is there.
        value: u32,
    },
}

/// What happens to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The same, whatever the arguments.
    Always(Fate),
    /// By the arguments.
    When {
        /// It holds if all tests of any of these hold.
        any: Vec<Vec<Test>>,
        /// If it holds.
        then: Fate,
        /// If not.
        otherwise: Fate,
    },
}

/// Calls not named are allowed. Calls of another architecture end the process. Numbers from
/// `unknown_from` on fail with `ENOSYS`: those of the x32 ABI, another name for the same calls, too.
pub(crate) fn compile(rules: &BTreeMap<u32, Rule>, unknown_from: u32) -> Program {
    let mut built = Backwards::default();
    let search = built.search(&blocks(rules, unknown_from));
    built.next_is(search);
    built.lines.push(load(NUMBER));
    built.lines.extend(bit().iter().rev());
    let known = built.lines.len() - 1;
    let foreign = built.give(libc::SECCOMP_RET_KILL_PROCESS);
    built.jump(libc::BPF_JEQ, AUDIT_ARCH, known, foreign);
    built.lines.push(load(ARCHITECTURE));
    built.lines.reverse();
    built.lines
}

/// Installs a program for the calling process, which may share its memory with another, for good.
/// `no_new_privs` must be set.
///
/// # Errors
/// The `errno` of `seccomp`.
pub(crate) fn install(program: &[sock_filter]) -> Result<(), i32> {
    let length = u16::try_from(program.len()).map_err(|_| libc::E2BIG)?;
    let program = sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut(),
    };
    let set = libc::SECCOMP_SET_MODE_FILTER as usize;
    // SAFETY: `program` describes a live slice, which the kernel only reads.
    unsafe { raw::call(libc::SYS_seccomp, [set, 0, raw::at(&raw const program)]) }.map(drop)
}

/// Offsets into `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// `AUDIT_ARCH_*` of `linux/audit.h`.
#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;

/// Numbers in one block.
const BLOCK: u32 = 32;

/// Puts the bit of the number within its block into the second register.
fn bit() -> [sock_filter; 6] {
    let alu = |how, k| line(libc::BPF_ALU | how, 0, 0, k);
    [
        load(NUMBER),
        alu(libc::BPF_AND | libc::BPF_K, BLOCK - 1),
        line(libc::BPF_MISC | TAX, 0, 0, 0),
        line(libc::BPF_LD | libc::BPF_IMM, 0, 0, 1),
        alu(libc::BPF_LSH | libc::BPF_X, 0),
        line(libc::BPF_MISC | TAX, 0, 0, 0),
    ]
}

/// `BPF_TAX` and `BPF_TXA` of `linux/filter.h`: to the second register and from it.
const TAX: u32 = 0x00;
const TXA: u32 = 0x80;

/// What happens to the numbers of a block, or of several with the same answer.
#[derive(Clone, PartialEq, Eq)]
enum Block {
    /// All the same.
    All(Fate),
    /// Those with these rules; the others are allowed.
    Some(Vec<(u32, Rule)>),
}

/// The blocks: each its first number, together covering everything.
fn blocks(rules: &BTreeMap<u32, Rule>, unknown_from: u32) -> Vec<(u32, Block)> {
    let allowed = || Block::All(Fate::Allow);
    let mut blocks = vec![(0, allowed())];
    let mut add = |from: u32, block: Block| {
        if blocks.last().is_some_and(|(first, _)| *first == from) {
            blocks.pop();
        }
        if blocks.last().is_none_or(|(_, last)| *last != block) {
            blocks.push((from, block));
        }
    };
    let mut known = rules.range(..unknown_from).peekable();
    while let Some((number, _)) = known.peek() {
        let from = *number / BLOCK * BLOCK;
        let next = from.saturating_add(BLOCK).min(unknown_from);
        let mut some = Vec::new();
        while let Some((number, rule)) = known.next_if(|(number, _)| **number < next) {
            some.push((*number, rule.clone()));
        }
        add(from, Block::Some(some));
        add(next, allowed());
    }
    add(unknown_from, Block::All(Fate::Fail(libc::ENOSYS as u16)));
    blocks
}

/// A program in the making, its last line first: who jumps finds its target there already, so that
/// equal answers are one line. The kernel reads, checks and translates every line for each program
/// started.
#[derive(Default)]
struct Backwards {
    lines: Program,
    /// Where an answer was last given.
    answers: BTreeMap<u32, usize>,
    /// Where a rule was last decided.
    rules: Vec<(Rule, usize)>,
}

/// Conditional jumps reach 255 lines; some are left for what comes in between.
const REACH: usize = 240;

impl Backwards {
    /// The line that gives an answer.
    fn give(&mut self, value: u32) -> usize {
        let here = self.lines.len();
        match self.answers.get(&value) {
            Some(at) if here - at < REACH / 2 => *at,
            _ => {
                self.lines
                    .push(line(libc::BPF_RET | libc::BPF_K, 0, 0, value));
                self.answers.insert(value, here);
                here
            }
        }
    }

    /// Makes sure that whatever is added next goes on with `target`.
    fn next_is(&mut self, target: usize) {
        let over = self.lines.len() - 1 - target;
        if over > 0 {
            self.lines
                .push(line(libc::BPF_JMP | libc::BPF_JA, 0, 0, over as u32));
        }
    }

    /// A line that leads to `target` and is near.
    fn near(&mut self, target: usize) -> usize {
        if self.lines.len() - target < REACH {
            return target;
        }
        self.next_is(target);
        self.lines.len() - 1
    }

    fn jump(&mut self, how: u32, value: u32, yes: usize, no: usize) {
        let (yes, no) = (self.near(yes), self.near(no));
        let over = |target| (self.lines.len() - 1 - target) as u8;
        let code = libc::BPF_JMP | how | libc::BPF_K;
        self.lines.push(line(code, over(yes), over(no), value));
    }

    /// Adds what finds the block of the number; the line where it begins.
    fn search(&mut self, blocks: &[(u32, Block)]) -> usize {
        if let [(_, block)] = blocks {
            return match block {
                Block::All(fate) => self.give(fate.value()),
                Block::Some(rules) => self.block(rules),
            };
        }
        let (low, high) = blocks.split_at(blocks.len() / 2);
        let middle = high.first().map_or(u32::MAX, |(first, _)| *first);
        let right = self.search(high);
        let left = self.search(low);
        self.jump(libc::BPF_JGE, middle, right, left);
        self.lines.len() - 1
    }

    /// Adds what finds the rule within a block, the number being in the first register and its bit in
    /// the second.
    fn block(&mut self, rules: &[(u32, Rule)]) -> usize {
        let mut sets: BTreeMap<u32, u32> = BTreeMap::new();
        let mut single = Vec::new();
        for (number, rule) in rules {
            match rule {
                Rule::Always(fate) => {
                    *sets.entry(fate.value()).or_default() |= 1 << (number % BLOCK);
                }
                Rule::When { .. } => {
                    let at = self.rule(rule);
                    single.push((*number, at));
                }
            }
        }
        let mut at = self.give(Fate::Allow.value());
        for (number, rule) in single.iter().rev() {
            self.jump(libc::BPF_JEQ, *number, *rule, at);
            at = self.lines.len() - 1;
        }
        if sets.is_empty() {
            return at;
        }
        if !single.is_empty() {
            self.lines.push(load(NUMBER));
            at = self.lines.len() - 1;
        }
        for (answer, set) in sets {
            let yes = self.give(answer);
            self.jump(libc::BPF_JSET, set, yes, at);
            at = self.lines.len() - 1;
        }
        self.lines.push(line(libc::BPF_MISC | TXA, 0, 0, 0));
        self.lines.len() - 1
    }

    /// The line where a rule is decided by the arguments.
    fn rule(&mut self, rule: &Rule) -> usize {
        let here = self.lines.len();
        let known = self.rules.iter().rev().find(|(known, _)| known == rule);
        if let Some((_, at)) = known
            && here - at < REACH / 2
        {
            return *at;
        }
        let at = self.leaf(rule);
        self.rules.push((rule.clone(), at));
        at
    }

    fn leaf(&mut self, rule: &Rule) -> usize {
        let (any, then, otherwise) = match rule {
            Rule::Always(fate) => return self.give(fate.value()),
            Rule::When {
                any,
                then,
                otherwise,
            } => (any, then, otherwise),
        };
        let mut no = self.give(otherwise.value());
        for tests in any.iter().rev() {
            let mut yes = self.give(then.value());
            for test in tests.iter().rev() {
                match test.is {
                    Is::Equal(value) | Is::Masked { value, .. } => {
                        self.jump(libc::BPF_JEQ, value, yes, no);
                    }
                    Is::Not(value) => self.jump(libc::BPF_JEQ, value, no, yes),
                    Is::HasAny(bits) => self.jump(libc::BPF_JSET, bits, yes, no),
                }
                if let Is::Masked { bits, .. } = test.is {
                    let and = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
                    self.lines.push(line(and, 0, 0, bits));
                }
                self.lines
                    .push(load(ARGUMENTS + 8 * u32::from(test.argument)));
                yes = self.lines.len() - 1;
            }
            no = yes;
        }
        no
    }
}

fn load(offset: u32) -> sock_filter {
    line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

fn line(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the kernel would do, for the instructions used here.
    fn interpret(program: &[sock_filter], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let mut at = 0;
        let (mut a, mut x) = (0u32, 0u32);
        loop {
            let line = program[at];
            at += 1;
            match u32::from(line.code) {
                0x20 => {
                    a = match line.k {
                        NUMBER => number,
                        ARCHITECTURE => arch,
                        k => arguments[(k as usize - 16) / 8] as u32,
                    }
                }
                0x00 => a = line.k,
                0x07 => x = a,
                0x87 => a = x,
                0x6c => a <<= x,
                0x05 => at += line.k as usize,
                0x06 => return line.k,
                0x54 => a &= line.k,
                code => {
                    let yes = match code {
                        0x15 => a == line.k,
                        0x35 => a >= line.k,
                        0x45 => a & line.k != 0,
                        code => panic!("unexpected instruction {code:#x}"),
                    };
                    at += usize::from(if yes { line.jt } else { line.jf });
                }
            }
        }
    }

    /// The meaning of the rules, said without a tree.
    fn expected(rules: &BTreeMap<u32, Rule>, number: u32, arguments: [u64; 6]) -> u32 {
        let holds = |test: &Test| {
            let low = arguments[usize::from(test.argument)] as u32;
            match test.is {
                Is::Equal(value) => low == value,
                Is::Not(value) => low != value,
                Is::HasAny(bits) => low & bits != 0,
                Is::Masked { bits, value } => low & bits == value,
            }
        };
        let fate = match rules.get(&number) {
            None => Fate::Allow,
            Some(Rule::Always(fate)) => *fate,
            Some(Rule::When {
                any,
                then,
                otherwise,
            }) => {
                if any.iter().any(|tests| tests.iter().all(holds)) {
                    *then
                } else {
                    *otherwise
                }
            }
        };
        fate.value()
    }

    #[test]
    fn what_is_unknown_may_begin_within_a_block() {
        let rules = BTreeMap::from([(448, Rule::Always(Fate::Trace))]);
        let program = compile(&rules, 449);
        for (number, answer) in [
            (447, Fate::Allow),
            (448, Fate::Trace),
            (449, Fate::Fail(libc::ENOSYS as u16)),
            (480, Fate::Fail(libc::ENOSYS as u16)),
        ] {
            let given = interpret(&program, AUDIT_ARCH, number, [0; 6]);
            assert_eq!(given, answer.value(), "{number}");
        }
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![
            Just(Fate::Allow),
            (1u16..40).prop_map(Fate::Fail),
            Just(Fate::Trace)
        ]
    }

    fn test() -> impl Strategy<Value = Test> {
        let is = prop_oneof![
            (0u32..4).prop_map(Is::Equal),
            (0u32..4).prop_map(Is::Not),
            (1u32..4).prop_map(Is::HasAny),
            (1u32..4, 0u32..4).prop_map(|(bits, value)| Is::Masked { bits, value })
        ];
        (0u8..3, is).prop_map(|(argument, is)| Test { argument, is })
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let any = proptest::collection::vec(proptest::collection::vec(test(), 1..4), 1..3);
        prop_oneof![
            3 => fate().prop_map(Rule::Always),
            1 => (any, fate(), fate())
                .prop_map(|(any, then, otherwise)| Rule::When { any, then, otherwise }),
        ]
    }

    proptest! {
        #[test]
        fn the_tree_means_what_the_rules_say(
            rules in proptest::collection::btree_map(0u32..460, rule(), 0..300),
            unknown_from in prop_oneof![400u32..470, Just(0x4000_0000)],
            arguments in [0u64..4, 0u64..4, 0u64..4, 0u64..4, 0u64..4, 0u64..4],
        ) {
            let program = compile(&rules, unknown_from);
            prop_assert!(program.len() < 4096);
            for number in 0..unknown_from.min(480) {
                prop_assert_eq!(
                    interpret(&program, AUDIT_ARCH, number, arguments),
                    expected(&rules, number, arguments)
                );
            }
            let unknown = [unknown_from, unknown_from + 1, 0x4000_0000, 0x4000_0001, u32::MAX];
            for number in unknown {
                prop_assert_eq!(
                    interpret(&program, AUDIT_ARCH, number, arguments),
                    Fate::Fail(libc::ENOSYS as u16).value()
                );
            }
            prop_assert_eq!(
                interpret(&program, 0x4000_0003, 1, arguments),
                libc::SECCOMP_RET_KILL_PROCESS
            );
        }
    }
}
