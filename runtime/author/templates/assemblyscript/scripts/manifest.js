// Makes a constant of manifest.json: AssemblyScript reads no files.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

mkdirSync("build", { recursive: true });
const manifest = JSON.parse(readFileSync("manifest.json", "utf8"));
writeFileSync("build/manifest.ts", `export const MANIFEST: string = ${JSON.stringify(JSON.stringify(manifest))};\n`);
