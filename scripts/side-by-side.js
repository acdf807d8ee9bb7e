// How long drakongen takes: node side-by-side.js PACKAGE FIXTURES [CORPUS.jsonl.gz], a line `NAME MICROSECONDS` each.
"use strict";
const fs = require("fs");
const path = require("path");
const zlib = require("zlib");

const [folder, fixtures, corpus] = process.argv.slice(2);
const drakongen = require(path.resolve(folder));

function once(diagram) {
    try {
        drakongen.toTree(diagram, "speed", "speed.drakon", "en");
    } catch {
        // What it refuses takes time as well.
    }
}

// Microseconds for a diagram, on average, over half a second at least.
function mean(diagrams) {
    const start = process.hrtime.bigint();
    let count = 0;
    let spent = 0;
    while (count === 0 || spent < 5e5) {
        for (const diagram of diagrams) {
            once(diagram);
            count += 1;
        }
        spent = Number(process.hrtime.bigint() - start) / 1e3;
    }
    return spent / count;
}

function questions(count) {
    const items = { start: { type: "branch", branchId: 0, one: "q0" }, end: { type: "end" } };
    for (let index = 0; index < count; index += 1) {
        const below = index + 1 === count ? "end" : `q${index + 1}`;
        items[`q${index}`] = { type: "question", content: "q", flag1: 1, one: below, two: `a${index}` };
        items[`a${index}`] = { type: "action", content: "a", one: below };
    }
    return JSON.stringify({ type: "drakon", items });
}

const files = fs.readdirSync(fixtures).filter((name) => name.endsWith(".drakon")).sort();
console.log(`fixtures ${mean(files.map((name) => fs.readFileSync(path.join(fixtures, name), "utf8"))).toFixed(1)}`);
if (corpus) {
    const lines = zlib.gunzipSync(fs.readFileSync(corpus)).toString("utf8").trim().split("\n");
    console.log(`corpus ${mean(lines.map((line) => JSON.parse(line).diagram)).toFixed(1)}`);
}
// Each further question doubles its time: beyond this nobody waits.
for (let count = 1; count <= 26; count += 1) {
    console.log(`ifs-${count} ${mean([questions(count)]).toFixed(1)}`);
}
