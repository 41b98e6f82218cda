import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';

const ajv = new Ajv({ formats: { 'date-time': (text) => !Number.isNaN(Date.parse(text)) } });

/** What is wrong with a document by a schema of docs/; null when nothing is. */
export function schemaErrors(
  name:
    | 'doctor'
    | 'explain'
    | 'lab'
    | 'plan'
    | 'run'
    | 'socket'
    | 'summary'
    | 'trace-summary'
    | 'transition',
  document: unknown,
): string | null {
  const url = new URL(`../../../../docs/${name}.schema.json`, import.meta.url);
  const validate =
    ajv.getSchema(name) ??
    ajv.addSchema(JSON.parse(readFileSync(url, 'utf8')), name).getSchema(name);
  return validate?.(document) === true ? null : ajv.errorsText(validate?.errors);
}
