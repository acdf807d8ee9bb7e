//! The codes of what can be wrong with a document. Each has a message in both catalogues and a page in
//! `schemas/error-codes/`.

use crate::diagnostic::Code;

macro_rules! codes {
    ($($(#[$meaning:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$meaning])* pub const $name: Code = Code($code);)*

        /// All of them.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    /// The bytes are more than a document may have.
    TOO_LARGE = "I001";
    /// The bytes are not UTF-8.
    NOT_UTF8 = "I002";
    /// A byte order mark stands before the JSON.
    BYTE_ORDER_MARK = "I003";
    /// The text is not JSON.
    NOT_JSON = "I004";
    /// Arrays and objects are nested too deep.
    TOO_DEEP = "I005";
    /// An object has a member twice.
    DUPLICATE_KEY = "I006";
    /// A number is beyond what a double holds exactly.
    UNSAFE_NUMBER = "I007";

    /// The document is of another version of the format.
    UNKNOWN_VERSION = "I010";
    /// A member is missing.
    MISSING_MEMBER = "I011";
    /// A member does not belong there.
    UNKNOWN_MEMBER = "I012";
    /// A value has the wrong JSON type.
    WRONG_TYPE = "I013";
    /// A value is none of those allowed.
    WRONG_CHOICE = "I014";
    /// A text is not spelt as it must be.
    WRONG_SPELLING = "I015";
    /// A number or a length is out of range.
    OUT_OF_RANGE = "I016";
    /// A node's `type` or `op` is unknown.
    UNKNOWN_NODE_TYPE = "I017";
    /// None of several members stands there, of which one must.
    MISSING_CHOICE = "I018";
    /// A node's id is not spelt as ids are.
    BAD_NODE_ID = "I019";
    /// There are more nodes than a document may have.
    TOO_MANY_NODES = "I020";
    /// A value has the wrong shape in another way.
    WRONG_SHAPE = "I021";

    /// A node is named that does not exist.
    NO_SUCH_NODE = "I101";
    /// No path leads to a node.
    UNREACHABLE = "I102";
    /// From a node of a procedure no `return` can be reached.
    NO_WAY_TO_END = "I103";
    /// From a node of a machine neither a `return` nor an `await` can be reached.
    NO_WAY_TO_WAIT = "I104";
    /// An `iter` can be reached without its `each`.
    ITER_WITHOUT_EACH = "I105";
    /// An `await` names a timer that no node starts.
    NO_SUCH_TIMER = "I106";

    /// A variable is read before it is set, on some path.
    UNASSIGNED = "I201";
    /// A variable is read that no node sets.
    UNKNOWN_VARIABLE = "I202";
    /// A variable may be unset after an error, and then reads as null.
    NULL_AFTER_ERROR = "I203";

    /// An expression does not parse.
    BAD_EXPRESSION = "I301";
    /// An input is named that the schema of the inputs does not allow.
    UNKNOWN_INPUT = "I302";
    /// A schema is not valid.
    BAD_SCHEMA = "I303";
    /// A decision has one literal twice.
    REPEATED_CASE = "I304";

    /// A tool is called that the policy does not allow.
    TOOL_NOT_ALLOWED = "I401";
    /// A proposal's action is not among the policy's safe outputs.
    UNSAFE_OUTPUT = "I402";
    /// A proposal has no action.
    PROPOSAL_WITHOUT_ACTION = "I403";
    /// Something other than a proposal has an action.
    ACTION_WITHOUT_PROPOSAL = "I404";

    /// A fork and a join do not name each other.
    UNMATCHED_FORK = "I501";
    /// An edge leads into or out of a branch.
    EDGE_ACROSS_BRANCH = "I502";
    /// A `return` stands in a branch.
    RETURN_IN_BRANCH = "I503";
    /// Two branches of a fork write one variable.
    WRITES_OVERLAP = "I504";
    /// A branch names a variable among its writes that it never sets.
    WRITE_WITHOUT_SET = "I505";
    /// Two branches of a fork await one name.
    AWAIT_IN_TWO_BRANCHES = "I506";
}
