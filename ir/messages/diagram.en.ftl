# Problems of diagrams and their texts: codes D….
# The attribute `.hint` says what to do. Both languages have the same ids and the same variables.

D001 = the file is not JSON, line { $line }, column { $column }: { $reason ->
        [end] it ends too early
        [depth] its objects and arrays nest too deeply
        [number] the number is too large
        [surrogate] half of a character (a lone surrogate) stands in a text
        [control] a control character stands in a text
        [rest] something follows after its end
        [comma] a comma stands before a closing bracket
       *[other] { $detail }
    }
    .hint = Save the diagram again in its editor, or compile a file that was not cut off.

D002 = { $dialect ->
    [drn] this is a DRAKON Editor file (.drn, SQLite), which is not read yet
    [graf] this is a mind map, not a DRAKON diagram
    [free] this is a free drawing, not a DRAKON diagram
    [array] this is a JSON array, not a DRAKON diagram
    [ir] this is a compiled program (IR), not a DRAKON diagram
    [xml] this is XML or HTML, not a DRAKON diagram
    [empty] the file is empty
    [encoding] the file is not encoded in UTF-8: line { $line } holds bytes that are no text
    [utf16] the file is encoded in UTF-16, not in UTF-8
    [binary] this is a binary file, not a DRAKON diagram
   *[other] this is a “{ $dialect }” document, not a DRAKON diagram
}
    .hint = { $dialect ->
        [encoding] Save the file with the encoding UTF-8.
        [utf16] Save the file with the encoding UTF-8.
        [ir] It is run and checked as it is; it needs no compiling.
        [graf] Draw the algorithm as a DRAKON diagram: a mind map has no order in which it could be carried out.
        [free] Draw the algorithm as a DRAKON diagram: a free drawing has no order in which it could be carried out.
       *[other] Export the diagram as .drakon (DrakonHub, DrakonWidget) and compile that file.
    }

D003 = the file holds no diagram: `items` must be an object of icons
    .hint = A diagram looks like { "{" }"items": { "{" }"1": { "{" }"type": "end"{ "}" }, …{ "}" }{ "}" }.

D004 = `{ $field }` is { $found ->
        [null] missing
        [boolean] true or false
        [number] a number
        [string] a text
        [array] a list
        [object] an object
       *[other] { $found }
    }; it must be { $expected ->
        [string] a text
        [integer] a whole number
        [flag] 0 or 1
       *[object] an object
    }
    .hint = Correct the field in the file, or redraw the icon.

D005 = { $icon ->
        [untyped] the type of this item is missing, yet it stands in the flow
       *[other] “{ $icon }” is no icon of DRAKON, yet it stands in the flow
    }
    .hint = { $icon ->
        [address] Lead the way to the branch itself: an address is drawn there and not stored.
       *[other] { $nearest ->
            [none] Replace the icon with one of the language, or detach it: decorations without connections are ignored.
           *[other] Did you mean `{ $nearest }`?
        }
    }

D006 = `{ $field }` leads to “{ $target }”, which does not exist
    .hint = Connect the icon to one that is in the diagram.

D007 = the diagram has no branch, so there is nowhere to begin
    .hint = Add a branch icon with branchId 0 and connect it to the first icon.

D008 = the branch has the number { $number }, as icon { $other } has
    .hint = Give every branch a number of its own.

D009 = there is a second end; the first is icon { $other }
    .hint = Lead every way to one end.

D010 = { $field ->
        [two] nothing follows to the right of this icon: `two` is missing
       *[one] nothing follows below this icon: `one` is missing
    }
    .hint = Connect the icon to what comes next.

D011 = the branch has no name
    .hint = Name the branch after what it does.

D012 = the branch name “{ $name }” is used twice
    .hint = Give the branches different names.

D013 = no way leads to this branch
    .hint = Lead an address to it, remove it, or name it “catch” if it handles errors.

D014 = the file is too large: { $found } { $what ->
        [bytes] bytes
        [items] icons
        [variables] variables
       *[passed] icons passed on all ways together
    }, at most { $limit }
    .hint = Split the diagram in several flows.

D015 = the id “{ $id }” is used twice
    .hint = Give every icon an id of its own; one of the two would be lost.

D017 = the icon is empty
    .hint = Write in it what is asked, chosen or repeated.

D018 = { $found } side by side are hard to read; { $limit } are the most that people take in
    .hint = Split the diagram, or group the cases.

D020 = the way leads back to icon { $target }, which is not the head of a loop
    .hint = Lead it to an arrow loop or a branch instead.

D021 = the way leads into the middle of a loop (icon { $target } in the loop of icon { $loop })
    .hint = Enter the loop at its head.

D022 = the loop has no end
    .hint = Add a loop end below its body.

D023 = the loop end has no beginning
    .hint = Add a loop begin above, or remove the end.

D024 = the loop crosses the loop of icon { $other }
    .hint = Close the inner loop before the outer one.

D025 = from here a run can never come to an end
    .hint = Give the loop a way out.

D026 = no way leads to this icon
    .hint = Connect it, or remove it.

D027 = Yes and No lead to the same place
    .hint = Remove the question, or connect one of the answers elsewhere.

D028 = the loop does nothing and cannot end
    .hint = Put something in the loop, or remove it.

D030 = the choice has no cases
    .hint = Put at least one case below it.

D031 = a case belongs to exactly one choice and is entered only from it
    .hint = Put the case in the row of a choice.

D032 = only the last case may be empty
    .hint = Write a value in the case, or move it to the end.

D033 = the value { $name } stands in two cases
    .hint = Remove it from one of them; the second would never be taken.

D034 = no case takes what is left; another value will be an error
    .hint = Add an empty last case if other values may come.

D035 = a case holds values such as "red", 5 or true, with commas between them
    .hint = Put words in quotation marks.

D040 = this is not a statement; the nearest one is { $nearest }
    .hint = Write it as a statement: an assignment, the call of a tool, or a question to an LLM; or leave it as it is for an LLM (--prose llm) or a person (--prose human).

D041 = { $expected ->
    [value] “{ $found }” is not expected here; a value is
    [operator] “{ $found }” is not expected here; the expression before it is complete
   *[other] “{ $found }” is not expected here
}
    .hint = Texts go in quotation marks; names of tools are followed by brackets; an assignment is x ← value.

D042 = the text ends too early
    .hint = Finish the expression, or close its brackets.

D043 = “{ $found }” cannot be answered with yes or no by a program
    .hint = Compare values: notes is empty? · size(text) < 200 words? · x in list? Or let an LLM (--prose llm) or a person (--prose human) decide.

D044 = nothing sets `{ $name }`
    .hint = { $nearest ->
        [none] Set it before it is used, or add it to the parameters; a text goes in quotation marks.
       *[other] Did you mean `{ $nearest }`?
    }

D045 = `{ $name }` is not set on every way to here
    .hint = Set it before the ways part, or on each of them.

D046 = there is no function `{ $name }`
    .hint = { $nearest ->
        [none] A tool is called on a line of its own; its name usually has a dash.
       *[other] Did you mean `{ $nearest }`?
    }

D047 = `{ $name }` does not take { $found } arguments: { $expected }
    .hint = Give as many arguments as the function takes.

D048 = the tool `{ $name }` is not known; it is taken for one that changes things
    .hint = { $nearest ->
        [none] Name its manifest with --tools, so that its arguments can be checked.
       *[other] Did you mean `{ $nearest }`?
    }

D049 = `{ $tool }` is not known, so its arguments must be named
    .hint = Write name: value.

D050 = `{ $tool }` has no argument `{ $name }`
    .hint = { $nearest ->
        [none] The names are in the tool's manifest.
       *[other] Did you mean `{ $nearest }`?
    }

D051 = the argument `{ $name }` of `{ $tool }` is given twice
    .hint = Remove one of the two; an alias counts as its name.

D052 = `{ $tool }` needs the argument `{ $name }`
    .hint = Add it.

D053 = `{ $tool }` takes at most { $limit } arguments by position
    .hint = Name the others: name: value.

D054 = the action that `{ $tool }` proposes must be written out as a text
    .hint = Write for example action: "propose-summary".

D055 = the flow may not propose `{ $name }`
    .hint = { $nearest ->
        [none] Add it to the flow's safe outputs, if it may propose this.
       *[other] Did you mean `{ $nearest }`?
    }

D056 = a number with a unit is compared with a length
    .hint = Write for example size(text) < 200 words.

D057 = this is too long or too deeply nested (limit { $limit })
    .hint = Split it in several steps.

D058 = { $name } stands outside of a loop
    .hint = Move it into a `for` loop, or lead the icon where it should go.

D059 = nothing comes to this line: the one before it leaves
    .hint = Remove it, or move it up.

D060 = the value is computed and lost
    .hint = Bind it: x ← …

D061 = this is no head of a loop
    .hint = Write for example note in notes · i = 0; i < n; i++ · 10 times. Or let an LLM (--prose llm) or a person (--prose human) say whether there is another round.

D062 = this is no parameter
    .hint = Write a line each: name · name: type · name: type = default · # description.

D063 = the parameter `{ $name }` stands twice
    .hint = Remove one of the two.

D064 = this shape of data cannot be read
    .hint = { $nearest ->
        [none] Shapes are string, int, number, bool, list, map, any, [shape], { "{" }name: shape{ "}" }, "one" | "other"; each name once.
       *[other] Did you mean `{ $nearest }`?
    }

D065 = the tool `{ $name }` is called inside an expression
    .hint = Call it on a line of its own and use the variable: x ← { $name }(…).

D066 = the text is not closed with a quotation mark
    .hint = Close it on the same line.

D067 = `{ $name }` has a meaning of its own and cannot be set
    .hint = Choose another name.

D068 = the number is too large
    .hint = Integers go up to 9007199254740991.

D069 = `{ $name }` is set and never used
    .hint = Use it, remove it, or begin its name with _.

D070 = `{ $name }` is a function; its arguments have no names
    .hint = Write the values in their order.

D071 = a brace stands alone, or holds nothing
    .hint = Write { "{" }{ "{" } and { "}" }{ "}" } for braces in a prompt, and { "{" }expression{ "}" } for a value.

D072 = the LLM is asked nothing
    .hint = Write a prompt: x ← LLM("Summarise", text), or on the lines below LLM:.

D073 = the option `{ $name }` must be { $expected ->
        [int] a positive whole number
        [duration] a duration of at least a second, as 2 min
        [session] "context"
       *[string] a text
    }
    .hint = Write the value itself: options are fixed when the flow is compiled.

D074 = the answer of an LLM is an object
    .hint = Name its members: FORMAT { "{" }title: string, tags: [string]{ "}" }.

D075 = the default of `{ $name }` must be a constant
    .hint = Write a number, a text, true, false, null, or a list or map of those.

D076 = the answer of an LLM goes to a variable
    .hint = Bind it to a variable, and set the member on the next line.

D077 = the argument `{ $name }` of `{ $tool }` cannot be “{ $found }”
    .hint = { $nearest ->
        [none] The values are in the tool's manifest.
       *[other] Did you mean `{ $nearest }`?
    }

D080 = the line does not stand under the others of its block
    .hint = Indent blocks by two spaces, without tabs.

D081 = the program is not closed
    .hint = Write END on a line of its own.

D083 = ELSE has no IF above it
    .hint = Indent it as its IF.

D084 = there is no branch “{ $name }”
    .hint = { $nearest ->
        [none] Branches are declared as BRANCH "name", or drawn.
       *[other] Did you mean `{ $nearest }`?
    }

D085 = the text holds no program
    .hint = Begin it with BEGIN "title" and close it with END.

D086 = … and { $found } more, which are not listed
    .hint = Correct the first ones and compile again: many others may vanish with them.

D087 = the parallel has no end
    .hint = Let all its paths lead down to one end of a parallel.

D088 = the end of a parallel has no beginning
    .hint = Add the beginning of a parallel above, or remove the end.

D089 = the path does not lead to the end of its parallel, icon { $target }
    .hint = Let the path go straight down to icon { $target }.

D090 = this is the end of the parallel of icon { $other }, too
    .hint = Give each parallel an end of its own.

D091 = the next path of the parallel cannot be icon { $target }
    .hint = To the right of a path stands the head of the next path, and each head has one on its left.

D092 = the way to icon { $target } leads into or out of a parallel path
    .hint = Keep each path to itself: it begins at its head, and only the end of the parallel leaves it.

D093 = a path of a parallel cannot end the run or go to another branch
    .hint = Lead it to the end of its parallel, and decide there.

D094 = icon { $target } stands beside this one and is not a duration
    .hint = Put a duration icon beside it, or nothing.

D095 = two paths of the parallel set “{ $name }”, which is used after it
    .hint = Give each path a variable of its own, and put them together after the parallel.

D096 = there is no flow “{ $name }”
    .hint = { $nearest ->
        [none] Publish it first, or put its diagram beside this one.
       *[other] Did you mean “{ $nearest }”?
    }

D097 = nothing here takes time, so a duration beside it has no meaning
    .hint = Remove the duration, or put it beside a call, a wait or a question to an LLM.

D098 = nobody waits for the flow “{ $name }”, so it gives no result
    .hint = Use an insertion (CALL) to wait for its result, or remove the variable.

D099 = what “{ $name }” is given must be named
    .hint = Write it as name: value.

D100 = “{ $name }” is no word of the language
    .hint = Did you mean { $nearest }?

D101 = a limit of time is a constant of whole seconds
    .hint = Write for example 30 s, 5 min or 2 h.

D102 = this takes no time, so a limit of time means nothing here
    .hint = WITHIN may follow a call of a tool, an LLM or a flow, AWAIT, and prose.

D103 = there is no step “{ $name }”
    .hint = { $nearest ->
        [none] Put STEP name: before the line that it should lead to.
       *[other] Did you mean `{ $nearest }`?
    }

D104 = the step “{ $name }” stands twice
    .hint = Give each step a label of its own.

D105 = the jump to step “{ $name }” crosses the border of a { $what ->
        [path] parallel path
       *[loop] loop over values
    }
    .hint = A FOR loop and a path of PARALLEL are entered at their head; → NEXT, → BREAK and the end of a path leave them.

D106 = PATH stands in PARALLEL, and nothing else does
    .hint = Put each path under PATH:, two spaces deeper than PARALLEL:.

D107 = PARALLEL has no paths
    .hint = Put a PATH: below it for each path.

D120 = the question asks several things at once, or for what is not so: “{ $found }”
    .hint = { $kind ->
        [not] Ask whether it is so, and swap Yes and No.
       *[other] Ask one thing in each question: two questions one below the other are “and”, side by side “or”.
    }

D121 = `{ $name }` and `{ $nearest }` look the same and are two different names
    .hint = Did you mean `{ $nearest }`? The letter “{ $letter }” in `{ $name }` is { $script ->
        [cyrillic] Cyrillic
        [latin] Latin
        [greek] Greek
       *[other] of another script
    }; type the name again with one keyboard layout.

D122 = “{ $found }” is no apostrophe
    .hint = Write ' or ’ inside a word: { $name }.

D123 = a comma stands in the number { $found }
    .hint = Write a point: { $name }.

D124 = `{ $name }` stands twice; programs would differ in which of the two they read
    .hint = Remove one of the two from the file, or save the diagram again in its editor.

D108 = the agent may not call the tool `{ $name }`
    .hint = { $nearest ->
        [none] Add it to `tools` in `_agent.md`.
       *[other] Did you mean `{ $nearest }`? Otherwise add it to `tools` in `_agent.md`.
    }

D110 = the file does not begin with front matter
    .hint = Put the fields between two lines `---` at the top of the file.

D111 = the front matter is no plain YAML: { $detail }
    .hint = Use maps, lists and scalars; no anchors, aliases or tags.

D112 = the field `{ $name }` stands twice
    .hint = Keep one of them.

D113 = the field `{ $field }` is missing
    .hint = Add it to the front matter.

D114 = `{ $field }` is { $found }; it must be { $expected ->
        [text] a text that is not empty
        [slug] small Latin letters, digits and dashes
        [version] a version such as 1.2.0
        [model] the id of a model
        [names] a list of at least one name
        [status] draft, active, paused, error or archived
        [date] a date or time such as 2026-02-14T12:00:00Z
        [temperature] a number from 0 to 1
        [steps] a whole number from 1 to 20
        [triggers] manual: true or false, cron: a schedule of five fields or null, events: a list or null
        [context] folder: a text, max_sources: a whole number, notebook_id: a text
       *[other] the file name of a diagram (.drakon or .drakon.json)
    }
    .hint = Correct the value.

D115 = there is no field `{ $name }`
    .hint = { $nearest ->
        [none] Remove it: nobody reads it.
       *[other] Did you mean `{ $nearest }`?
    }

D116 = none of the tools can make a proposal
    .hint = Add a tool that does, as create-proposal.

D117 = nothing follows the front matter
    .hint = Write the instructions, or export them from a diagram.

D118 = the agent in { $other } has this slug, too
    .hint = Give one of the two another slug.

D119 = the body is not what the diagram { $other } says
    .hint = Export it again, or mark the field as modified manually.

## Diagrams of DRAKON Editor

D140 = { $icon } at { $x }, { $y } has impossible coordinates
    .hint = Draw it again in the editor.

D141 = “{ $icon }” at { $x }, { $y } is no item of an algorithm's diagram
    .hint = Free drawings and other kinds of diagrams cannot be imported.

D142 = { $icon } at { $x }, { $y } touches icon { $other }
    .hint = Move them apart.

D143 = the line at { $x }, { $y } ends in nothing
    .hint = Lead it to an icon or to another line, or remove it.

D144 = lines cross at { $x }, { $y }
    .hint = Lines may join, not cross: lead one of them around.

D145 = several lines come to one side of what is at { $x }, { $y }
    .hint = Leave one line at each side of an icon, and draw no line over another.

D146 = at { $x }, { $y } a line goes up without an arrow that points at a line
    .hint = Draw the way back with an arrow that ends on the vertical line where the loop begins.

D147 = at { $x }, { $y } nothing says where the line leads
    .hint = Ways go down and join to the left, to the right only from a question or a select.

D148 = { $icon } at { $x }, { $y } does not stand on a line
    .hint = An icon has a line above and a line below.

D149 = { $other ->
    [none] the diagram has no begin icon
   *[other] the diagram has another begin icon, { $other }
}
    .hint = A diagram begins in one place: an icon with a line below and none above.

D150 = a program in words has no icons to draw
    .hint = Draw the diagram that it was printed from, or print its steps: `bloom pseudocode`.

D155 = `{ $name }` is asked of a value of the type { $found }, which has no members
    .hint = Name what holds it: an element of the list (`for each`, `list[0]`), or another variable.

D156 = there is no member `{ $name }` here; there is { $expected }
    .hint = { $nearest ->
        [none] Use one of them, or ask whether it is there: has(x.{ $name }).
       *[other] Did you mean `{ $nearest }`?
    }

D157 = `{ $name }` does not take { $found }; there is { $expected }
    .hint = Give it a value of the right type, or convert: int(x), double(x), string(x), json.format(x).

D158 = there is no { $found }
    .hint = Give both sides the same type: int(x), double(x), string(x).

D159 = a condition must be true or false, and this is of the type { $found }
    .hint = Compare it with something: x == 1, size(x) > 0, x is not empty.

D160 = a loop goes over a list or a map, and this is of the type { $found }
    .hint = Give it a list: split(text, ","), keys(map), [one].

D161 = `{ $name }` may be null: its schema says so
    .hint = Ask first: { $name } == null, or give another value: { $name } == null ? 0 : { $name }.

D162 = the argument `{ $name }` of { $tool } must be of the type { $expected }, and this is { $found }
    .hint = Give it another value, or convert: int(x), string(x), json.format(x).

D163 = a { $found } is never equal to a { $expected }
    .hint = Convert one of them: int(x), string(x).
