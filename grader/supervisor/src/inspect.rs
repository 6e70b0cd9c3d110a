//! Facts about a program at a quiet moment, in the words of the transcript.
