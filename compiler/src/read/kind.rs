//! What icons there are.

use std::fmt;

macro_rules! kinds {
    ($( $kind:ident = $name:literal $(| $other:literal)*; )*) => {
        /// What an icon is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $( $kind, )*
        }

        impl Kind {
            /// How files name the icons.
            pub(super) const NAMES: &[&str] = &[$( $name, )*];

            pub(crate) fn parse(name: &str) -> Option<Self> {
                Some(match name {
                    $( $name $(| $other)* => Self::$kind, )*
                    _ => return None,
                })
            }

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $( Self::$kind => $name, )*
                }
            }
        }
    };
}

kinds! {
    Action = "action";
    ArrowLoop = "arrow-loop";
    Branch = "branch";
    Case = "case";
    Comment = "comment";
    ControlEnd = "ctrlend";
    ControlStart = "ctrlstart";
    Duration = "duration";
    End = "end";
    Input = "input";
    Insertion = "insertion";
    LoopBegin = "loopbegin";
    LoopEnd = "loopend";
    Output = "output";
    ParBegin = "parbegin";
    ParEnd = "parend";
    Pause = "pause";
    Process = "process";
    Question = "question";
    Select = "select";
    Shelf = "shelf";
    SimpleInput = "simpleinput" | "sinput";
    SimpleOutput = "simpleoutput" | "soutput";
    Timer = "timer";
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
