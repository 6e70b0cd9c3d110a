//! A CSV file of somebody else's in which a few cells change and every other byte stays: its mark of
//! Unicode, the ends of its lines, its quotes.

/// One field of a line: where it stands, with its quotes, and what it says.
pub(super) struct Field {
    from: usize,
    to: usize,
    /// Without the quotes.
    pub(super) says: String,
}

/// The file, read.
pub(super) struct Sheet<'t> {
    whole: &'t str,
    delimiter: char,
    /// Every line.
    pub(super) rows: Vec<Vec<Field>>,
}

impl<'t> Sheet<'t> {
    pub(super) fn read(whole: &'t str, delimiter: char) -> Self {
        Self {
            whole,
            delimiter,
            rows: rows(whole, delimiter),
        }
    }
}

/// The file with what has changed so far.
pub(super) struct Changed<'t> {
    sheet: &'t Sheet<'t>,
    /// So much of it is in `text` already.
    done: usize,
    text: String,
}

impl<'t> Changed<'t> {
    pub(super) fn new(sheet: &'t Sheet<'t>) -> Self {
        Self {
            sheet,
            done: 0,
            text: String::with_capacity(sheet.whole.len() + 1024),
        }
    }

    /// Writes cells of a row; rows come in their order. One that is too short is made longer.
    pub(super) fn set(&mut self, row: &[Field], mut cells: Vec<(usize, String)>) {
        cells.sort_by_key(|(column, _)| *column);
        let mut width = row.len();
        for (column, value) in cells {
            let value = quoted(&value, self.sheet.delimiter);
            if let Some(field) = row.get(column) {
                self.until(field.from);
                self.done = field.to;
            } else if let Some(last) = row.last() {
                self.until(last.to);
                let delimiter = self.sheet.delimiter;
                let more = std::iter::repeat_n(delimiter, (column + 1).saturating_sub(width));
                self.text.extend(more);
                width = column + 1;
            }
            self.text.push_str(&value);
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.until(self.sheet.whole.len());
        self.text
    }

    fn until(&mut self, to: usize) {
        let kept = self.sheet.whole.get(self.done..to);
        self.text.push_str(kept.unwrap_or_default());
        self.done = to;
    }
}

/// What stands between the fields: Canvas and Moodle write commas and take others, and a spreadsheet
/// that saved the file may have written them.
pub(super) fn delimiter(head: &str) -> char {
    let count = |delimiter: char| head.matches(delimiter).count();
    if count(';') > count(',') {
        ';'
    } else if count('\t') > count(',') {
        '\t'
    } else {
        ','
    }
}

/// `100,00` and `100.00`.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let number: f64 = text.trim().replace(',', ".").parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}

/// A field; quoted only where it must be.
fn quoted(text: &str, delimiter: char) -> String {
    if text.contains([delimiter, '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The fields of every line, with their places. RFC 4180, lines end with or without `\r`.
fn rows(text: &str, delimiter: char) -> Vec<Vec<Field>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut row = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let from = at;
        let mut says = String::new();
        let mark = if text[at..].starts_with('\u{feff}') {
            3
        } else {
            0
        };
        at += mark;
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let rest = &text[at..];
                let Some(end) = rest.find('"') else {
                    says.push_str(rest);
                    at = bytes.len();
                    break;
                };
                says.push_str(&rest[..end]);
                at += end + 1;
                if bytes.get(at) == Some(&b'"') {
                    says.push('"');
                    at += 1;
                } else {
                    break;
                }
            }
        }
        let rest = &text[at..];
        let end = rest.find([delimiter, '\n', '\r']).unwrap_or(rest.len());
        says.push_str(&rest[..end]);
        at += end;
        row.push(Field {
            from: from + mark,
            to: at,
            says,
        });
        match bytes.get(at) {
            Some(byte) if char::from(*byte) == delimiter => {
                at += 1;
                if at == bytes.len() {
                    row.push(Field {
                        from: at,
                        to: at,
                        says: String::new(),
                    });
                }
            }
            Some(_) => {
                if text[at..].starts_with("\r\n") {
                    at += 1;
                }
                at += 1;
                out.push(std::mem::take(&mut row));
            }
            None => {}
        }
    }
    if !row.is_empty() {
        out.push(row);
    }
    out
}
