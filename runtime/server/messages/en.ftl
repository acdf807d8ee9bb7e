# The texts of the operator's pages in English. Both languages have the same messages with the same variables.

## Around every page

nav = Pages
skip = To the content
language = Language
theme = Theme
theme-auto = Auto
theme-light = Light
theme-dark = Dark
log-in = Log in
log-out = Log out
offline = The server does not answer. What you see may be old; this page tries again by itself.
act-failed = It was not done:
to-overview = To the overview

## Navigation

nav-overview = Overview
nav-runs = Runs

## Words

run = Run
flow = Flow
status = Status
created = Created
took = Took
tokens = Tokens
cost = Cost
from = From
to = To
any = any
filter = Filter
older = Older ones
waiting = waits

## Where a run stands

status-requested = requested
status-queued = queued
status-running = running
status-completed = completed
status-failed = failed
status-cancelled = cancelled
status-continued = continued

## Errors

error-not-found = There is no such thing
error-method-not-allowed = That cannot be done here
error-validation-failed = That is not what is asked for
error-forbidden = You may not see this
error-rate-limited = Too much at once; try again in a moment
error-unavailable = The store fails for now; the server's log says why
error-other = Something went wrong

## Overview

overview-waits = Waits for you
overview-proposals = Proposals
overview-questions = Questions
overview-runs = Runs
overview-work = Work
overview-workers = Workers online
overview-queued = Tasks in the queue
overview-leases = Active leases
overview-today = LLM calls today (UTC)
overview-newest = Newest runs

## Runs

runs-none = There are no runs here.
runs-total = { $count } in all
