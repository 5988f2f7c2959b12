// Reads an AsyncAPI document by the official parser; leaves with 1 where it finds an error or a warning.
import { Parser } from '@asyncapi/parser';
import { readFileSync } from 'node:fs';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
for (const found of diagnostics) console.log(found.severity, found.code, found.path.join('.'), found.message);
if (document) console.log(document.channels().all().map((channel) => channel.address()).join('\n'));
process.exit(document && !diagnostics.some((found) => found.severity < 2) ? 0 : 1);
