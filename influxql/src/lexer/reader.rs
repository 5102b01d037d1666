//! Characters with their positions, and a memory of the last three.
//!
//! InfluxDB's scanner reports some errors at the character *before* a token and looks ahead past
//! tokens it has put back. To give the same positions this reader steps back the same way: by
//! replaying its memory.

use std::str::Chars;

use crate::error::Position;

/// Stands for the end of the text, which has no NUL in it.
pub(super) const END: char = '\0';

/// How many characters can be put back.
const MEMORY: usize = 3;

pub(super) struct Reader<'a> {
    rest: Chars<'a>,
    /// A ring; `newest` is the last slot filled, `put_back` counts slots to be read again.
    memory: [(char, Position); MEMORY],
    newest: usize,
    put_back: usize,
    /// The position of the next character.
    next: Position,
    ended: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            memory: [(END, Position::default()); MEMORY],
            newest: 0,
            put_back: 0,
            next: Position::default(),
            ended: false,
        }
    }

    /// The next character; `\r\n` and a lone `\r` come as `\n`.
    pub(super) fn read(&mut self) -> (char, Position) {
        if self.put_back > 0 {
            self.put_back -= 1;
            return self.last();
        }
        let c = match self.rest.next() {
            None => END,
            Some('\r') => {
                if self.rest.as_str().starts_with('\n') {
                    self.rest.next();
                }
                '\n'
            }
            Some(c) => c,
        };
        self.newest = (self.newest + 1) % MEMORY;
        self.memory[self.newest] = (c, self.next);
        if c == '\n' {
            self.next = Position { line: self.next.line.saturating_add(1), char: 0 };
        } else if !self.ended {
            self.next.char = self.next.char.saturating_add(1);
        }
        self.ended |= c == END;
        self.last()
    }

    /// Puts the last character back.
    pub(super) fn unread(&mut self) {
        debug_assert!(self.put_back < MEMORY, "no more than the memory holds is put back");
        self.put_back += 1;
    }

    /// The character read last; after `unread`, the one before it.
    pub(super) fn last(&self) -> (char, Position) {
        self.memory[(self.newest + MEMORY - self.put_back % MEMORY) % MEMORY]
    }

    /// The next character, left unread.
    pub(super) fn peek(&mut self) -> char {
        let (c, _) = self.read();
        if c != END {
            self.unread();
        }
        c
    }
}
