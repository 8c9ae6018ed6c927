//! A look at a Parquet file's schema before the reader builds it: the reader trusts its counts, and goes as deep as it does.
//!
//! The footer is a struct of Thrift's compact protocol, whose second field lists the elements of the schema; the fifth field of an
//! element is how many of the next ones are its children.

/// The deepest schema: a table's columns are at depth 1, and those of lists and maps that are not looked at a few more.
const DEPTH: usize = 16;
/// The deepest struct of any other field.
const NESTED: usize = 8;
/// Bytes after the footer: its length, and the magic number.
const TAIL: usize = 8;

/// Whether the schema of a file is a tree of its own elements and not too deep.
pub(super) fn is_sound(file: &[u8]) -> bool {
    let read = || {
        let (rest, tail) = file.split_at_checked(file.len().checked_sub(TAIL)?)?;
        let length = u32::from_le_bytes(*tail.first_chunk()?);
        let start = rest.len().checked_sub(usize::try_from(length).ok()?)?;
        Footer(rest.get(start..)?).schema()
    };
    read().is_some_and(is_tree)
}

/// Children of each element, each before its own, to a tree of all of them.
fn is_tree(children: Vec<usize>) -> bool {
    let mut left = vec![1];
    for count in children {
        while left.last() == Some(&0) {
            left.pop();
        }
        let Some(last) = left.last_mut() else { return false };
        *last -= 1;
        left.push(count);
        if left.len() > DEPTH + 2 {
            return false;
        }
    }
    left.iter().all(|left| *left == 0)
}

/// What of the footer is not read yet. None from any step is a footer that ends early or is none.
struct Footer<'a>(&'a [u8]);

impl Footer<'_> {
    /// The children of each element of the schema.
    fn schema(mut self) -> Option<Vec<usize>> {
        let mut field = 0;
        while let Some((id, kind)) = self.field(field)? {
            if id != 2 {
                self.skip(kind, NESTED)?;
                field = id;
                continue;
            }
            let (count, kind) = self.list()?;
            // Every element takes a byte.
            if kind != STRUCT || count > self.0.len() {
                return None;
            }
            return (0..count).map(|_| self.children()).collect();
        }
        None
    }

    /// The children of an element.
    fn children(&mut self) -> Option<usize> {
        let (mut field, mut children) = (0, 0);
        while let Some((id, kind)) = self.field(field)? {
            if (id, kind) == (5, I32) {
                // Zigzag; a negative count becomes one that no file has.
                let count = self.varint()?;
                children = if count % 2 == 0 { usize::try_from(count / 2).ok()? } else { usize::MAX };
            } else {
                self.skip(kind, NESTED)?;
            }
            field = id;
        }
        Some(children)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// The number and type of the next field of a struct; none at its end.
    fn field(&mut self, before: u64) -> Option<Option<(u64, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        let id = match head >> 4 {
            0 => self.varint()? / 2,
            delta => before + u64::from(delta),
        };
        Some(Some((id, head & 15)))
    }

    /// The length of a list and the type of its elements.
    fn list(&mut self) -> Option<(usize, u8)> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Some((usize::try_from(count).ok()?, head & 15))
    }

    fn skip(&mut self, kind: u8, deep: usize) -> Option<()> {
        match kind {
            TRUE | FALSE => {}
            BYTE => drop(self.byte()?),
            I16 | I32 | I64 => drop(self.varint()?),
            DOUBLE => self.0 = self.0.get(8..)?,
            BINARY => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.0 = self.0.get(length..)?;
            }
            LIST | SET if deep > 0 => {
                let (count, kind) = self.list()?;
                // Flags are a byte each in lists.
                let kind = if kind <= FALSE { BYTE } else { kind };
                (0..count).try_for_each(|_| self.skip(kind, deep - 1))?;
            }
            STRUCT if deep > 0 => {
                let mut field = 0;
                while let Some((id, kind)) = self.field(field)? {
                    self.skip(kind, deep - 1)?;
                    field = id;
                }
            }
            // Maps do not come before the schema or in it.
            _ => return None,
        }
        Some(())
    }
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose footer is a version and these elements, each a name and a number of children.
    fn file(children: &[u64]) -> Vec<u8> {
        let mut footer = vec![0x15, 2, 0x19, 0xf0 | STRUCT];
        varint(children.len() as u64, &mut footer);
        for count in children {
            footer.extend([0x48, 1, b'x', 0x15]);
            varint(2 * count, &mut footer);
            footer.push(0);
        }
        let length = u32::try_from(footer.len()).unwrap();
        [b"PAR1".as_slice(), &footer, &length.to_le_bytes(), b"PAR1"].concat()
    }

    fn varint(mut value: u64, out: &mut Vec<u8>) {
        while value > 0x7f {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    #[test]
    fn a_tree_of_few_levels_is_sound() {
        for good in [&[2, 0, 0][..], &[3, 0, 2, 0, 1, 0, 0]] {
            assert!(is_sound(&file(good)), "{good:?}");
        }
    }

    #[test]
    fn counts_that_lie_and_depths_without_end_are_not() {
        for bad in [&[3, 0, 0][..], &[1, 0, 0], &[], &[1 << 31], &[u64::MAX / 2, 0]] {
            assert!(!is_sound(&file(bad)), "{bad:?}");
        }
        let mut deep = vec![1; 100_000];
        deep.push(0);
        assert!(!is_sound(&file(&deep)));
        let good = file(&[2, 0, 0]);
        for cut in 0..good.len() {
            assert!(!is_sound(&good[..cut]));
        }
    }
}
