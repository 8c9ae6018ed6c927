//! What a Rust source file says, with its strings and comments told apart from its code.

/// Enough of a lexer to know code from comments and strings.
#[derive(Debug, Default)]
pub struct Source {
    words: Vec<Word>,
    comments: Vec<Word>,
}

/// A word and where it stands.
#[derive(Debug)]
struct Word {
    text: String,
    line: usize,
    /// Whether `!` follows at once, as after the name of a macro.
    bang: bool,
}

impl Source {
    /// Splits a file. Text that does not lex is no reason to fail: the compiler judges that.
    pub fn read(text: &str) -> Self {
        Scanner { chars: text.chars().collect(), at: 0, line: 1, source: Self::default() }.scan()
    }

    /// The lines on which an identifier stands in code.
    pub fn identifier<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.words.iter().filter(move |word| word.text == name).map(|word| word.line)
    }

    /// The lines on which a macro is called.
    pub fn macro_call<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.words.iter().filter(move |word| word.bang && word.text == name).map(|word| word.line)
    }

    /// The lines on which a word stands in a comment.
    pub fn comment<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.comments.iter().filter(move |word| word.text == name).map(|word| word.line)
    }
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    source: Source,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.at += 1;
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn scan(mut self) -> Source {
        while let Some(next) = self.peek(0) {
            match (next, self.peek(1)) {
                ('/', Some('/')) => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(),
                ('\'', _) => self.quote(),
                _ if is_word(next) => self.code_word(),
                _ => {
                    self.step();
                }
            }
        }
        self.source
    }

    fn word(&mut self) -> Word {
        let line = self.line;
        let mut text = String::new();
        while let Some(next) = self.peek(0).filter(|&next| is_word(next)) {
            text.push(next);
            self.step();
        }
        Word { text, line, bang: self.peek(0) == Some('!') }
    }

    fn code_word(&mut self) {
        let word = self.word();
        // A raw string, or a raw identifier, whose name then comes as the next word.
        if matches!(word.text.as_str(), "r" | "br" | "cr") && matches!(self.peek(0), Some('"' | '#')) {
            self.raw_string();
        } else {
            self.source.words.push(word);
        }
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|next| next != '\n') {
            self.comment_piece();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.comment_piece();
                    continue;
                }
            }
            self.step();
            self.step();
            if depth == 0 {
                return;
            }
        }
    }

    fn comment_piece(&mut self) {
        if self.peek(0).is_some_and(is_word) {
            let word = self.word();
            self.source.comments.push(word);
        } else {
            self.step();
        }
    }

    fn string(&mut self) {
        self.step();
        while let Some(next) = self.step() {
            match next {
                '"' => return,
                '\\' => {
                    self.step();
                }
                _ => {}
            }
        }
    }

    fn raw_string(&mut self) {
        let mut hashes = 0;
        while self.peek(hashes) == Some('#') {
            hashes += 1;
        }
        if self.peek(hashes) != Some('"') {
            self.step();
            return;
        }
        self.at += hashes + 1;
        while let Some(next) = self.step() {
            if next == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.at += hashes;
                return;
            }
        }
    }

    /// A character, or a lifetime.
    fn quote(&mut self) {
        self.step();
        if self.peek(0) == Some('\\') {
            self.step();
            self.step();
            while self.step().is_some_and(|next| next != '\'') {}
        } else if self.peek(1) == Some('\'') {
            self.step();
            self.step();
        } else if self.peek(0).is_some_and(is_word) {
            self.word();
        }
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(found: impl Iterator<Item = usize>) -> Vec<usize> {
        found.collect()
    }

    #[test]
    fn identifiers_stand_in_code_alone() {
        let source = Source::read(
            "// unsafe\n/* unsafe /* unsafe */ unsafe */\n\"unsafe\";\nr#\"unsafe \" unsafe\"#;\nunsafe {}\nunsafe_code;",
        );
        assert_eq!(lines(source.identifier("unsafe")), [5]);
    }

    #[test]
    fn strings_end_where_they_end() {
        let source =
            Source::read("\"a \\\" b\"; key; b\"x\"; key; r\"\\\"; key; br##\"\"#\"##; key; c\"\n\"; key");
        assert_eq!(lines(source.identifier("key")), [1, 1, 1, 1, 2]);
    }

    #[test]
    fn characters_and_lifetimes() {
        let source = Source::read(
            "'\"'; key; '\\''; key; '\\u{27}'; key; fn f<'key>(x: &'key str) {} 'a: loop {} key",
        );
        assert_eq!(lines(source.identifier("key")).len(), 4);
        assert_eq!(lines(source.identifier("str")).len(), 1);
        assert_eq!(lines(source.identifier("loop")).len(), 1);
    }

    #[test]
    fn raw_identifiers() {
        assert_eq!(lines(Source::read("let r#type = 1;").identifier("type")), [1]);
    }

    #[test]
    fn macros() {
        let source = Source::read("todo!();\nlet todo = 1;\nif todo != 2 {}");
        assert_eq!(lines(source.macro_call("todo")), [1]);
    }

    #[test]
    fn comments() {
        let source = Source::read("let mark = 1; // mark\n/// mark\n\"mark\" /* \n mark */");
        assert_eq!(lines(source.comment("mark")), [1, 2, 4]);
    }
}
