//! What can be wrong with a pickle.

/// Why a pickle was not read. Nothing in it was executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// The bytes end inside an instruction or before the end mark.
    #[error("the pickle ends at byte {offset} inside a value: it is truncated, fetch it again")]
    UnexpectedEnd {
        /// Where more was needed.
        offset: usize,
    },
    /// The first byte is not that of protocol 2 or later.
    #[error("not a pickle of protocol 2 or later: it is another format, or damaged")]
    NotAPickle,
    /// A global that is not part of a numpy array.
    #[error(
        "the pickle asks for `{module}.{name}`: refused, since only numpy byte arrays are read and nothing is executed"
    )]
    RefusedGlobal {
        /// Its module.
        module: String,
        /// Its name in the module.
        name: String,
    },
    /// An instruction that data archives do not need.
    #[error(
        "instruction {opcode:#04x} at byte {offset} is not supported: the file is not a data archive, or damaged"
    )]
    UnsupportedInstruction {
        /// The instruction.
        opcode: u8,
        /// Where it stands.
        offset: usize,
    },
    /// Instructions that do not fit together.
    #[error(
        "the pickle cannot be used from byte {offset} on: {what}; fetch it again or convert it"
    )]
    Malformed {
        /// Where it was noticed.
        offset: usize,
        /// What was wrong.
        what: &'static str,
    },
    /// More values than any known archive has.
    #[error("the pickle has more than {limit} values: not a data archive, or damaged")]
    TooManyValues {
        /// The limit.
        limit: usize,
    },
    /// An array whose elements are not bytes.
    #[error(
        "an array has elements of type `{name}`: only unsigned bytes (`u1`) are read, convert it"
    )]
    ElementType {
        /// numpy's name of the type.
        name: String,
    },
    /// A well-formed pickle with other content than expected.
    #[error("the pickle has no {what}: it is not of this data set, or of another version")]
    Missing {
        /// What was looked for.
        what: String,
    },
}
