# Problems of IR documents: codes I….
# The attribute `.hint` says what to do. Both languages have the same ids and the same variables.

## Reading and shape

I001 = The document has { $bytes } bytes; the limit is { $limit }.
    .hint = Split the flow into several, or shorten its texts.
I002 = The document is not UTF-8: byte { $offset } and what follows cannot be read.
    .hint = Save the file as UTF-8.
I003 = A byte order mark stands before the JSON.
    .hint = Save the file as UTF-8 without a byte order mark.
I004 = The document is not JSON: { $reason } (line { $line }, column { $column }).
    .hint = Compile the flow again, or restore the file from where it came.
I005 = More than { $limit } arrays and objects stand in each other (line { $line }, column { $column }).
    .hint = Make the schema or the literal there flatter.
I006 = The member { $pointer } stands more than once.
    .hint = Keep one of them: which one counts would depend on the reader.
I007 = The number is beyond ±{ $limit }, where not every integer is exact.
    .hint = Write it as a string.
I010 = The document is of version { $version }, which this program does not know; it knows 0.1.
    .hint = Compile the flow with this version of BLOOM, or use a newer one to run it.
I011 = The member `{ $member }` is missing.
    .hint = Add it, or compile the flow again.
I012 = There is no member `{ $member }` here.
    .hint = Remove it, or correct its name: an unknown member would be ignored by some and obeyed by others.
I013 = The value must be of type { $expected }.
I014 = The value must be one of: { $choices }.
I015 = The text does not match the pattern { $pattern }.
I016 = The value or its length is out of range: it must be { $limit }.
I017 = A node with `{ $member }` = `{ $found }` does not exist; known are: { $known }.
    .hint = Correct the name. A document of a newer version needs a newer program.
I018 = One of these members is needed: { $members }.
I019 = `{ $id }` is not spelt as a node's id.
    .hint = An id is a lower-case letter, then up to 63 of a-z, 0-9, _ and -.
I020 = The document has { $count } nodes; the limit is { $limit }.
    .hint = Move a part of the flow into a flow of its own.
I021 = The document has not the shape of IR: { $reason }.

## The graph of nodes

I101 = There is no node `{ $target }`.
    .hint = Correct the id, or add the node.
I102 = No path leads to node `{ $node }`.
    .hint = Remove it, or lead an edge to it.
I103 = From node `{ $node }` no `return` can be reached.
    .hint = Give the loop a way out, or declare the flow a machine if it is meant to wait for ever.
I104 = From node `{ $node }` neither a `return` nor an `await` can be reached.
    .hint = A machine may go on for ever only if it waits: add an await or a way to the end.
I105 = The cursor `{ $cursor }` is advanced on a path that has not started it.
    .hint = Lead every path to the `iter` through an `each` with this cursor.
I106 = The timer `{ $timer }` is awaited, but no node starts it.
    .hint = Start it with a `timer` node before, or correct the name.

## Variables

I201 = The variable `{ $variable }` may be read before it is set.
    .hint = Set it on every path that leads here.
I202 = No node sets the variable `{ $variable }`.
    .hint = Correct the name, or set it before.
I203 = After an error the variable `{ $variable }` may be unset here; it then reads as null.
    .hint = Test it for null, or set it before anything can fail.

## Expressions, schemas, cases

I301 = The expression `{ $expression }` cannot be read: { $reason } (position { $position }).
I302 = The flow has no input `{ $input }`.
    .hint = Correct the name, or add it to the schema of the inputs.
I303 = The schema is not a valid JSON Schema 2020-12: { $reason }.
    .hint = References may only point into the same schema, and patterns may not look around or back.
I304 = The literal { $value } stands in more than one place of this decision.
    .hint = Keep one: the second one would never be taken.

## Policy

I401 = The flow's policy does not allow the tool `{ $tool }`.
    .hint = Add it to `allowed_tools`, and sign the document again.
I402 = The action `{ $action }` is not among the policy's safe outputs.
    .hint = Add it to `safe_outputs`, and sign the document again.
I403 = A proposal has no action.
    .hint = Add `action`: a person decides by it.
I404 = Only a proposal has an action.
    .hint = Remove `action`, or make the kind `proposal`.

## Branches

I501 = The fork `{ $fork }` and the join `{ $join }` do not name each other.
    .hint = Name the join in the fork and the fork in the join; each has one of the other.
I502 = The edge to `{ $target }` leads into a branch or out of it.
    .hint = A branch is entered at its first node and left at the join.
I503 = A `return` stands in the branch `{ $branch }`.
    .hint = Let the branch end at the join, and return after it.
I504 = The branches `{ $first }` and `{ $second }` both write the variable `{ $variable }`.
    .hint = Give each a variable of its own, and merge them after the join.
I505 = The branch `{ $branch }` writes the variable `{ $variable }`, but never sets it.
    .hint = Set it in the branch, or take it out of `writes`.
I506 = The branches `{ $first }` and `{ $second }` both await `{ $name }`.
    .hint = Await it in one branch: which one gets it would depend on time.
