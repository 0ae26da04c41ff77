//! Bytes of a pickle, taken from the front.

use super::error::PickleError;

/// A position in the bytes.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, offset: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], PickleError> {
        let end = self.offset.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.offset..end));
        let taken = taken.ok_or(PickleError::UnexpectedEnd { offset: self.offset })?;
        self.offset += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let offset = self.offset;
        let taken = self.take(N)?;
        taken.first_chunk().copied().ok_or(PickleError::UnexpectedEnd { offset })
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, PickleError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, PickleError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, PickleError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// A length of 8 bytes.
    pub(super) fn length(&mut self) -> Result<usize, PickleError> {
        let offset = self.offset;
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| PickleError::UnexpectedEnd { offset })
    }

    /// A little-endian two's complement integer of up to 8 bytes.
    pub(super) fn long(&mut self) -> Result<i64, PickleError> {
        let offset = self.offset;
        let length = self.byte()?;
        let taken = self.take(usize::from(length))?;
        if taken.len() > 8 {
            return Err(PickleError::Malformed { offset, what: "an integer of over 64 bits" });
        }
        let negative = taken.last().is_some_and(|last| last & 0x80 != 0);
        let mut value = [if negative { 0xff } else { 0 }; 8];
        value.iter_mut().zip(taken).for_each(|(out, &byte)| *out = byte);
        Ok(i64::from_le_bytes(value))
    }

    /// Text up to a line feed, which is skipped.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or(PickleError::UnexpectedEnd { offset: self.bytes.len() })?;
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }
}
