import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Text with or without terminal colours; whether to colour is decided once, by who writes. */
export type Paint = (format: Format, text: string) => string;

export const plain: Paint = (_format, text) => text;
export const coloured: Paint = (format, text) => styleText(format, text);
