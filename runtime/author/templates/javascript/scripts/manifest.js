// Makes a module of manifest.json: QuickJS imports JavaScript only.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

mkdirSync("build", { recursive: true });
const manifest = JSON.parse(readFileSync("manifest.json", "utf8"));
writeFileSync("build/manifest.js", `export default ${JSON.stringify(manifest, null, 2)};\n`);
