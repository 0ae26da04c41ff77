//! The members of a `.npz` file: ZIP with stored or deflated members, as NumPy writes it. Not here: ZIP64,
//! encryption, other methods; they are refused by name.
//! Layout: PKWARE, APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// The end record, and the longest comment behind it.
const LONGEST_END: usize = 22 + 65_535;

/// All members by name, unpacked; together at most `limit` bytes.
pub(super) fn members(file: &[u8], limit: u64) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let tail = file.len().saturating_sub(LONGEST_END);
    let found = file.get(tail..).and_then(|tail| rfind(tail, END));
    let end = tail + found.ok_or("it has no list of members at its end")?;
    // the length of the comment ends the record
    number::<2>(file, end + 20)?;
    let count = number::<2>(file, end + 10)?;
    let mut at = number::<4>(file, end + 16)?;
    if count == 0xffff || at == 0xffff_ffff {
        return Err("it is a ZIP64 file; write the arrays to smaller files".to_owned());
    }
    let mut members = BTreeMap::new();
    let mut left = limit;
    for _ in 0..count {
        let entry = Entry::read(file, at)?;
        if entry.size as u64 > left {
            return Err(format!("its members have more than {limit} bytes"));
        }
        left -= entry.size as u64;
        members.insert(entry.name.clone(), entry.unpack(file)?);
        at = entry.next;
    }
    Ok(members)
}

/// One line of the list of members.
struct Entry {
    name: String,
    method: usize,
    checksum: usize,
    packed: usize,
    size: usize,
    local: usize,
    next: usize,
}

impl Entry {
    fn read(file: &[u8], at: usize) -> Result<Entry, String> {
        if file.get(at..at + 4) != Some(ENTRY) {
            return Err("its list of members is damaged".to_owned());
        }
        let [name, extra, comment] = [28, 30, 32].map(|offset| number::<2>(file, at + offset));
        let (name_len, behind) = (name?, extra? + comment?);
        let name = file.get(at + 46..at + 46 + name_len).unwrap_or_default();
        Ok(Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            method: number::<2>(file, at + 10)?,
            checksum: number::<4>(file, at + 16)?,
            packed: number::<4>(file, at + 20)?,
            size: number::<4>(file, at + 24)?,
            local: number::<4>(file, at + 42)?,
            next: at + 46 + name_len + behind,
        })
    }

    fn unpack(&self, file: &[u8]) -> Result<Vec<u8>, String> {
        let damaged = || format!("its member {} is damaged", self.name);
        if file.get(self.local..self.local.saturating_add(4)) != Some(LOCAL) {
            return Err(damaged());
        }
        let name = number::<2>(file, self.local + 26)?;
        let start = self.local + 30 + name + number::<2>(file, self.local + 28)?;
        let packed = file.get(start..start.saturating_add(self.packed)).ok_or_else(damaged)?;
        let bytes = match self.method {
            0 => packed.to_vec(),
            8 => {
                let mut bytes = Vec::new();
                let reader = DeflateDecoder::new(packed);
                let mut reader = reader.take(self.size as u64 + 1);
                reader.read_to_end(&mut bytes).map_err(|_| damaged())?;
                bytes
            }
            method => return Err(format!("its member {} is packed by method {method}", self.name)),
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        let intact = bytes.len() == self.size && crc.sum() as usize == self.checksum;
        if intact { Ok(bytes) } else { Err(damaged()) }
    }
}

/// A little-endian number of `N` bytes.
fn number<const N: usize>(file: &[u8], at: usize) -> Result<usize, String> {
    let bytes = file.get(at..at.saturating_add(N)).ok_or("it ends too early")?;
    Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
}

fn rfind(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).rposition(|window| window == wanted)
}
