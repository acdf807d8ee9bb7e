//! The codes of what can be wrong with a diagram or a text; each has a page in `schemas/error-codes/`.

use bloom_ir::diagnostic::Code;

macro_rules! codes {
    ($( $(#[$doc:meta])* $name:ident = $code:literal; )*) => {
        $( $(#[$doc])* pub(crate) const $name: Code = Code($code); )*

        /// Every code that this crate can report, in order.
        pub const ALL: &[Code] = &[$( $name ),*];
    };
}

codes! {
    /// The file is not JSON: (detail).
    NOT_JSON = "D001";
    /// The file is of another dialect.
    OTHER_DIALECT = "D002";
    /// The file holds no diagram: `items` must be an object of icons.
    NOT_A_DIAGRAM = "D003";
    /// `field` is (found); it must be (expected).
    WRONG_TYPE = "D004";
    /// “(icon)” is no icon of DRAKON, yet it stands in the flow.
    UNKNOWN_ICON = "D005";
    /// `field` leads to “(target)”, which does not exist.
    DANGLING = "D006";
    /// The diagram has no branch, so there is nowhere to begin.
    NO_BRANCH = "D007";
    /// The branch has the number (number), as icon (other) has.
    REPEATED_NUMBER = "D008";
    /// There is a second end; the first is icon (other).
    SECOND_END = "D009";
    /// Nothing follows: `field` is missing.
    NO_NEXT = "D010";
    /// The branch has no name.
    NO_NAME = "D011";
    /// The branch name “(name)” is used twice.
    REPEATED_NAME = "D012";
    /// No way leads to this branch.
    LONELY_BRANCH = "D013";
    /// The file is too large.
    TOO_LARGE = "D014";
    /// The id “(id)” is used twice.
    REPEATED_ID = "D015";
    /// The icon is empty.
    NO_TEXT = "D017";
    /// (found) side by side are hard to read; (limit) are the most that people take in.
    MANY = "D018";
    /// The way leads back to icon (target), which is not the head of a loop.
    BACK_EDGE = "D020";
    /// The way leads into the middle of a loop (icon (target) in the loop of icon (loop)).
    SIDE_ENTRY = "D021";
    /// The loop has no end.
    NO_LOOP_END = "D022";
    /// The loop end has no beginning.
    NO_LOOP_BEGIN = "D023";
    /// The loop crosses the loop of icon (other).
    CROSSING_LOOPS = "D024";
    /// From here a run can never come to an end.
    ENDLESS = "D025";
    /// No way leads to this icon.
    UNREACHABLE = "D026";
    /// Yes and No lead to the same place.
    EQUAL_ARMS = "D027";
    /// The loop does nothing and cannot end.
    EMPTY_LOOP = "D028";
    /// The choice has no cases.
    NO_CASES = "D030";
    /// A case belongs to exactly one choice and is entered only from it.
    CASE_OUTSIDE = "D031";
    /// Only the last case may be empty.
    EMPTY_CASE = "D032";
    /// The value (name) stands in two cases.
    REPEATED_CASE = "D033";
    /// No case takes what is left; another value will be an error.
    NO_DEFAULT = "D034";
    /// A case holds values such as "red", 5 or true, with commas between them.
    CASE_TEXT = "D035";
    /// This is not a statement; the nearest one is (nearest).
    PROSE = "D040";
    /// A word is not expected where it stands.
    SYNTAX = "D041";
    /// The text ends too early.
    INCOMPLETE = "D042";
    /// “(found)” cannot be answered with yes or no by a program.
    PROSE_QUESTION = "D043";
    /// Nothing sets `name`.
    UNKNOWN_VARIABLE = "D044";
    /// `name` is not set on every way to here.
    NOT_ALWAYS_SET = "D045";
    /// There is no function `name`.
    UNKNOWN_FUNCTION = "D046";
    /// `name` does not take (found) arguments: (expected).
    WRONG_COUNT = "D047";
    /// The tool `name` is not known; it is taken for one that changes things.
    UNKNOWN_TOOL = "D048";
    /// `tool` is not known, so its arguments must be named.
    UNKNOWN_POSITION = "D049";
    /// `tool` has no argument `name`.
    UNKNOWN_ARGUMENT = "D050";
    /// The argument `name` of `tool` is given twice.
    REPEATED_ARGUMENT = "D051";
    /// `tool` needs the argument `name`.
    MISSING_ARGUMENT = "D052";
    /// `tool` takes at most (limit) arguments by position.
    TOO_MANY = "D053";
    /// The action that `tool` proposes must be written out as a text.
    ACTION_NOT_LITERAL = "D054";
    /// The flow may not propose `name`.
    NOT_SAFE = "D055";
    /// A number with a unit is compared with a length.
    UNIT = "D056";
    /// This is too long or too deeply nested (limit (limit)).
    TOO_COMPLEX = "D057";
    /// (name) stands outside of a loop.
    NO_LOOP_AROUND = "D058";
    /// Nothing comes to this line: the one before it leaves.
    AFTER_JUMP = "D059";
    /// The value is computed and lost.
    UNUSED_VALUE = "D060";
    /// This is no head of a loop.
    LOOP_TEXT = "D061";
    /// This is no parameter.
    PARAMETER = "D062";
    /// The parameter `name` stands twice.
    REPEATED_PARAMETER = "D063";
    /// This shape of data cannot be read.
    SHAPE = "D064";
    /// The tool `name` is called inside an expression.
    CALL_IN_EXPRESSION = "D065";
    /// The text is not closed with a quotation mark.
    UNCLOSED_STRING = "D066";
    /// `name` has a meaning of its own and cannot be set.
    RESERVED_NAME = "D067";
    /// The number is too large.
    NUMBER = "D068";
    /// `name` is set and never used.
    UNUSED_VARIABLE = "D069";
    /// `name` is a function; its arguments have no names.
    NAMED_ARGUMENT = "D070";
    /// A brace stands alone, or holds nothing.
    BRACE = "D071";
    /// The LLM is asked nothing.
    NO_PROMPT = "D072";
    /// An option of an LLM call has the wrong type.
    LLM_OPTION = "D073";
    /// The answer of an LLM is an object.
    FORMAT_NO_OBJECT = "D074";
    /// The default of `name` must be a constant.
    DEFAULT = "D075";
    /// The answer of an LLM goes to a variable.
    MEMBER_TARGET = "D076";
    /// The argument `name` of `tool` cannot be “(found)”.
    NOT_ONE_OF = "D077";
    /// The line does not stand under the others of its block.
    INDENTATION = "D080";
    /// The program is not closed.
    NO_END = "D081";
    /// ELSE has no IF above it.
    ELSE_WITHOUT_IF = "D083";
    /// There is no branch “(name)”.
    UNKNOWN_BRANCH = "D084";
    /// The text holds no program.
    NO_PROGRAM = "D085";
    /// There are (found) more problems than are listed.
    LEFT_OUT = "D086";
    /// The parallel has no end.
    NO_PARALLEL_END = "D087";
    /// The end of a parallel has no beginning.
    NO_PARALLEL_BEGIN = "D088";
    /// The path does not lead to the end of its parallel, icon (target).
    PATH_ENDS_ELSEWHERE = "D089";
    /// The end belongs to the parallel of icon (other), too.
    SHARED_PARALLEL_END = "D090";
    /// Paths stand side by side: the next one is not icon (target).
    PATH_CHAIN = "D091";
    /// A way leads into or out of a parallel path, to icon (target).
    ACROSS_PATHS = "D092";
    /// A path of a parallel goes to the parallel's end, not to an end or another branch.
    END_IN_PATH = "D093";
    /// What stands beside an icon is a duration, not icon (target).
    SIDE = "D094";
    /// Two paths of a parallel set `name`, which is used after it.
    TWO_PATHS_SET = "D095";
    /// There is no flow `name`.
    UNKNOWN_FLOW = "D096";
    /// Nothing here takes time, so the duration beside it has no meaning.
    NOTHING_TO_TIME = "D097";
    /// Nobody waits for the flow `name`, so it gives no result.
    NO_RESULT = "D098";
    /// What a flow is given must be named: (name) has several inputs.
    FLOW_POSITION = "D099";
    /// “(name)” is no word of the language.
    KEYWORD = "D100";
    /// A limit of time is a constant in whole seconds.
    TIME_LIMIT = "D101";
    /// The statement takes no time, so it has no limit of time.
    NOTHING_TO_LIMIT = "D102";
    /// There is no step “(name)”.
    UNKNOWN_STEP = "D103";
    /// The step “(name)” stands twice.
    REPEATED_STEP = "D104";
    /// The jump leads into or out of a block that has one way in.
    INTO_BLOCK = "D105";
    /// Only paths stand in PARALLEL, and paths nowhere else.
    PATH_OUTSIDE = "D106";
    /// PARALLEL has no paths.
    NO_PATHS = "D107";
    /// The agent may not call the tool `name`.
    NOT_ALLOWED = "D108";
    /// The file does not begin with front matter.
    NO_FRONT_MATTER = "D110";
    /// The front matter is no plain YAML.
    FRONT_MATTER_YAML = "D111";
    /// The field `name` stands twice.
    REPEATED_FIELD = "D112";
    /// The field `field` is missing.
    MISSING_FIELD = "D113";
    /// `field` is (found); it must be (expected).
    FIELD_VALUE = "D114";
    /// There is no field `name`.
    UNKNOWN_FIELD = "D115";
    /// None of the tools can make a proposal.
    NO_SAFE_TOOL = "D116";
    /// Nothing follows the front matter.
    EMPTY_BODY = "D117";
    /// The agent in (other) has this slug, too.
    SAME_SLUG = "D118";
    /// The body is not what the diagram (other) says.
    OTHER_BODY = "D119";
    /// The question asks several things, or asks for what is not so.
    COMPOUND_QUESTION = "D120";
    /// `name` and `nearest` look the same and are two names.
    LOOK_ALIKE = "D121";
    /// This is no apostrophe.
    APOSTROPHE = "D122";
    /// A comma stands in a number.
    DECIMAL_COMMA = "D123";
    /// `name` stands twice.
    REPEATED_MEMBER = "D124";
    /// A coordinate or a length is impossible.
    DRN_NUMBERS = "D140";
    /// Not an item that the editor's diagrams of algorithms have.
    DRN_ITEM = "D141";
    /// It touches icon (other).
    DRN_TOUCH = "D142";
    /// The line ends in nothing.
    DRN_DANGLING = "D143";
    /// Two lines cross.
    DRN_CROSSING = "D144";
    /// Several lines come to one side.
    DRN_TWO_LINES = "D145";
    /// A line goes up without an arrow, or an arrow points at nothing.
    DRN_ARROW = "D146";
    /// Nothing says where a run goes from here.
    DRN_LINE = "D147";
    /// The icon is not on a line.
    DRN_ALONE = "D148";
    /// The diagram has no begin icon, or several.
    DRN_BEGIN = "D149";
    /// Pseudocode has no picture.
    NO_PICTURE = "D150";
    /// A (found) has no members, so it has no `name`.
    NO_MEMBERS = "D155";
    /// There is no member `name` here: there is (expected).
    NO_MEMBER = "D156";
    /// The function `name` takes (expected), and not (found).
    WRONG_ARGUMENT = "D157";
    /// There is no operation (found).
    WRONG_OPERAND = "D158";
    /// A question must be true or false, and this is a (found).
    NOT_CONDITION = "D159";
    /// A loop goes over a list or a map, and this is a (found).
    NOT_ITERABLE = "D160";
    /// `name` may be null.
    MAYBE_NULL = "D161";
    /// The argument `name` of `tool` is a (found); it must be (expected).
    ARGUMENT_KIND = "D162";
    /// A (found) is never equal to a (expected).
    NEVER_EQUAL = "D163";
}

/// Of texts that are understood, though what they name is not there or is not used as it should be.
pub(crate) const OF_WHAT_IS_NAMED: [Code; 15] = [
    NOT_ALLOWED,
    UNKNOWN_TOOL,
    UNKNOWN_POSITION,
    UNKNOWN_ARGUMENT,
    REPEATED_ARGUMENT,
    MISSING_ARGUMENT,
    TOO_MANY,
    ACTION_NOT_LITERAL,
    NOT_SAFE,
    NOT_ONE_OF,
    MEMBER_TARGET,
    UNKNOWN_FLOW,
    FLOW_POSITION,
    NO_RESULT,
    NOTHING_TO_TIME,
];
