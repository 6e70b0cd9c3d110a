//! English.

use supervisor::event::LimitKind;

use crate::lab::Lang;
use crate::locale::limit_words;

use super::{Phrase, by_fd, comma, grouped, in_brackets, semicolon};

pub(super) fn say(phrase: Phrase<'_>) -> String {
    use Phrase::*;
    match phrase {
        NewlineMissing => "a newline is missing at the end".to_owned(),
        NewlineTooMany => "there is a newline too many at the end".to_owned(),
        BlankMissing => "a blank is missing at the end of the line".to_owned(),
        BlankTooMany => "there is a blank too many at the end of the line".to_owned(),
        CarriageReturn => {
            r"there is a carriage return \r too many: lines end with \n alone".to_owned()
        }
        NulByte => {
            r"there is a NUL byte \x00 too many: write as many bytes as the text has".to_owned()
        }
        BlanksDiffer => "only blanks and tabs differ".to_owned(),
        CaseOnly => "only upper and lower case differ".to_owned(),
        LookAlikes(pair) => format!("letters that look alike but are others: {pair}"),
        Encoding(name) => format!("the text is right, but its bytes are {name} instead of UTF-8"),
        LineBreaks => "the text is right, but its line breaks are at other places".to_owned(),
        EmptyLine => "there is an empty line too many".to_owned(),
        CameLater(step) => format!("it came later, in step {step}"),
        OnStderr => "it was written to standard error, not to standard output".to_owned(),
        Wrote(text) => format!("what it wrote: {text}"),
        WroteNothing => "it wrote nothing there".to_owned(),

        PeerFinished(peer) => format!("{peer} has finished sending"),
        OtherSideFinished => "the other side has finished sending".to_owned(),
        EndOfFile => "end of file".to_owned(),
        EmptyMessage => "an empty message: not the end".to_owned(),
        InputEnded => "standard input has ended".to_owned(),
        NothingTyped => "nothing was typed, and it does not wait: VMIN is 0".to_owned(),
        ReaderGone => "whoever should read it has gone".to_owned(),
        Reset => "the other side has gone and left bytes unread".to_owned(),
        AddressTaken => "the address is taken: a file of that name is already there".to_owned(),
        PortTaken => "the port is taken".to_owned(),
        Interrupted => "interrupted by a signal: not an error".to_owned(),
        MadeAgain => "a signal came in between, and the call was made again".to_owned(),
        NothingListens => "nobody listens there".to_owned(),
        NoSuchFile => "there is no such file".to_owned(),
        NobodyReads => "nobody has it open for reading".to_owned(),
        Short { done, asked } => {
            format!("only {done} of {asked} bytes: the rest has to be written again")
        }
        Repeated(1) => "the same answer once more".to_owned(),
        Repeated(times) => format!("the same answer {} times more", grouped(times)),
        StillWaits => "still waits".to_owned(),

        Child(number) => format!("child {number}"),
        ChildOf(role, number) => format!("{role}'s child {number}"),

        InQueue { peer, server } => {
            format!("{peer} waits in the queue of <socket> until {server} calls accept")
        }
        Waits {
            who,
            call,
            what,
            ends,
        } => {
            format!("{who} waits in {call}{}{}", comma(what), semicolon(ends))
        }
        WaitsAtMost {
            who,
            call,
            what,
            ms,
        } => {
            format!(
                "{who} waits in {call}{}, for at most {} ms",
                comma(what),
                grouped(ms)
            )
        }
        Polls { who, call, ms } => {
            format!(
                "{who} wakes up every {} ms and does nothing ({call})",
                grouped(ms)
            )
        }
        SpinsInCall { who, call } => {
            format!("{who} does not wait: it runs for ever and calls {call} again and again")
        }
        SpinsBetween { who, call } => {
            format!("{who} does not wait: it runs for ever between two calls of {call}")
        }
        Computes(who) => format!("{who} does not wait: it runs for ever without any call"),
        IsStopped(who) => format!("{who} is stopped by a signal"),
        IsZombie(who) => format!("{who} has ended, and nobody has called wait for it"),
        CannotBeSeen(who) => format!("what {who} waits for cannot be seen"),

        PipeToRead(name) => format!("{}, which is empty", pipe(name)),
        PipeToWrite(name) => format!("{}, which is full", pipe(name)),
        SocketToRead(peer) => format!("the connection with {peer}, from which nothing comes"),
        SocketToWrite(peer) => format!("the connection with {peer}, which is full"),
        Connection(address) => format!("for a new connection at {address}"),
        OneOf(things) => format!("for one of: {things}"),
        AnyChild => "for a child to end".to_owned(),
        Thread(number) => format!("thread {number}"),
        ThreadOf(process, number) => format!("{process}'s thread {number}"),
        EndOf(thread) => format!("for the end of {thread}"),
        MutexOf(holder) => format!("for a mutex that {holder} holds"),
        MutexOfNobody => "for a mutex whose owner has ended".to_owned(),
        StreamOf(thread) => {
            format!(
                "for a FILE that {thread} is using (exit of newer versions of glibc waits for it, too)"
            )
        }
        FileLock(path) => format!("for a lock on {path}"),
        SomeLock => "for a condition variable, semaphore or other lock".to_owned(),
        ASignal => "for a signal".to_owned(),
        FifoEnd(path) => format!("for the other end of the FIFO {path} to be opened"),
        ATerminal => "for a terminal".to_owned(),
        TimeOnly => "for time to pass".to_owned(),

        WriteEndInItself { who, fd } => {
            format!("its write end is still open in {who} itself{}", by_fd(fd))
        }
        ReadEndInItself { who, fd } => {
            format!("its read end is still open in {who} itself{}", by_fd(fd))
        }
        WriteEndIn { who, fd } => format!("its write end is open in {who}{}", by_fd(fd)),
        ReadEndIn { who, fd } => format!("its read end is open in {who}{}", by_fd(fd)),
        EndedBy(who) => format!("it goes on when {who} ends"),
        HeldByItself { who, fd } => format!("only {who} itself could end it{}", by_fd(fd)),
        HeldBy { who, fd } => format!("{who} could end it{}", by_fd(fd)),
        ByGrader => "the other end is the grader's".to_owned(),
        GraderOpens => "the grader opens it in a later step".to_owned(),
        ByPeer(peer) => format!("{peer} has to act"),
        ByNobody => "nobody holds its other end".to_owned(),
        ByUnknown(reason) => format!("who could end it cannot be known: {reason}"),
        ByUnowned => {
            "who could end it cannot be known: condition variables and semaphores have no owner"
                .to_owned()
        }

        Killed {
            who,
            signal,
            meaning,
        } => {
            format!("{who} was killed by {signal}{}", in_brackets(meaning))
        }
        // That it ended, and no more, is all that labs say that take any status.
        EndedEarlier { who, step, how } => {
            let how = if how == "ended" {
                String::new()
            } else {
                format!(" ({how})")
            };
            format!("{who} is not there any more: it ended in step {step}{how}")
        }
        NeverListened(who) => format!("{who} never called listen"),
        BindFailed {
            who,
            address,
            error,
        } => {
            format!("{who} could not bind {address}: {error}")
        }
        ExecFailed { who, error } => format!("{who} could not be started: {error}"),
        LimitReached { who, limit, most } => {
            let words = limit_words(limit, most, Lang::En);
            match limit {
                LimitKind::Output => format!("what {who} wrote was cut at {words}"),
                _ if limit.interferes() => format!("{who} was stopped at {words}"),
                _ => format!("{who} reached its limit of {words}"),
            }
        }
        RunLimit { limit, most } => format!(
            "the run was stopped at {}",
            limit_words(limit, most, Lang::En)
        ),
        ActFailed(error) => format!("the grader could not do this step: {error}"),
        SignalMeaning(signal) => meaning(signal).to_owned(),

        WithoutArguments(who) => {
            format!("{who} refused the arguments of the handout and was started without any")
        }
        WithPath(who) => {
            format!(
                "{who} refused the arguments of the handout and was started with the path alone"
            )
        }
        WithPathRole(who) => format!(
            "{who} refused the arguments of the handout and was started with the path and `{who}`"
        ),
        WithPort(who) => {
            format!("{who} refused the arguments of the handout and was started with a port number")
        }
        OwnArguments(who) => {
            format!(
                "{who} was started with arguments of its own, as its source or grader.toml gives them"
            )
        }
        WroteToInput(who) => format!(
            "{who} writes to descriptor 0, its standard input. That is seen on a terminal only: \
             write to descriptor 1"
        ),
        ListensElsewhere { who, address } => format!(
            "{who} listens at {address}, not at the address in its arguments. It was found there"
        ),
        ConnectsElsewhere { who, address } => format!(
            "{who} connects to {address}, not to the address in its arguments. It was led to the \
             right one"
        ),
        NameNotCleared { who, address } => format!(
            "{who}: the name of its socket goes on with bytes that were never set ({address})"
        ),
        NameCut { who, address } => format!(
            "{who}: the length given with its address is too small and cuts the name to {address}"
        ),
        NameFull { who, address } => format!(
            "{who}: the name of its socket fills all 108 bytes of sun_path, without a NUL at the end \
             ({address})"
        ),
        NameBehindNul { who, address } => format!(
            "{who}: sun_path begins with a NUL, so {address} is an abstract name and no file"
        ),
        NameEmpty(who) => format!(
            "{who}: sun_path holds nothing but NULs, so the socket has an abstract name and no file"
        ),
        IsTcp {
            who,
            address,
            listens,
        } => format!(
            "{who} {} the TCP port {address}, not {} a Unix socket",
            if listens { "listens at" } else { "connects to" },
            if listens { "at" } else { "to" },
        ),
        AtDeclared {
            who,
            address,
            listens,
        } => format!(
            "{who} {} {address}, as grader.toml says",
            if listens { "listens at" } else { "connects to" },
        ),
        FromEnvironment(who) => {
            format!("{who} takes its address from an environment variable, not from its arguments")
        }
        OnTerminal(who) => format!(
            "{who} keeps back what it prints into a pipe. It was run again on a terminal, and that \
             run was judged"
        ),
        CostsNothing => "It cost nothing".to_owned(),
        Costs(ids) => format!("It cost {ids}"),
        HowToClear => {
            "memset the whole struct sockaddr_un to 0 before you fill it in, and leave room \
                       for the NUL"
                .to_owned()
        }
        HowToMeasure => "Give bind and connect sizeof(struct sockaddr_un)".to_owned(),
        HowToFill => "Copy the path to sun_path itself: strncpy(addr.sun_path, path, sizeof \
                      addr.sun_path - 1)"
            .to_owned(),
        HowToUnix => "Use socket(AF_UNIX, SOCK_STREAM, 0) and a struct sockaddr_un".to_owned(),
        HowToArgv => "Take the address from argv".to_owned(),
        HowToArguments => "Take the arguments that the handout names".to_owned(),
        HowToFlush => "Call fflush(stdout) after what must be seen at once".to_owned(),
        Ignored { who, what } => {
            format!(
                "{who}: its output differs from the expected one in what does not count here: {what}"
            )
        }
        OnlyAtExit(who) => format!(
            "{who}: the text came only at exit. Its standard output is a pipe, so stdio keeps the text: \
             call fflush(stdout)"
        ),
        TwiceAfterFork { who, text } => format!(
            "{who}: `{text}` was written twice. fork copied the text that stdio still kept: \
             call fflush(stdout) before fork"
        ),
    }
}

/// Pipes have a letter, or a description: `filter's stdin`.
fn pipe(name: &str) -> String {
    if name.contains(' ') {
        name.to_owned()
    } else {
        format!("the pipe {name}")
    }
}

/// What usually brings the signal about; empty where there is nothing to add. See signal(7).
fn meaning(signal: i32) -> &'static str {
    match signal {
        1 | 2 | 3 | 10 | 12 | 14 | 15 | 34..=64 => "it has no handler for this signal",
        4 => "it ran something that is no instruction",
        6 => "abort(): an assertion, or the C library found its memory damaged",
        7 => "it used memory behind the end of a mapped file",
        8 => "it divided by zero",
        9 => "nothing can catch it",
        11 => "it used memory that is not its own: a wrong pointer or index",
        13 => "it wrote to a pipe or connection whose reader has gone",
        24 => "it used up its CPU time",
        25 => "it wrote more than a file may hold",
        31 => "it made a call that is not allowed here",
        _ => "",
    }
}
