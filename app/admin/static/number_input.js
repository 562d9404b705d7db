// Numbers as people type them in the language of the page, read by the rules of the server.
"use strict";

const places = 10;
/** The number 1 in the unit of `numberReader`. */
export const one = 10n ** BigInt(places);

/** Function that reads a typed number in units of 10^-10; its result is null if the text is no number. */
export function numberReader(decimal, group) {
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  // Groups of three digits, or as pages for India show numbers: 12,34,567.
  const groups = `\\d{1,3}(?:${escape(group)}\\d{3}){1,4}|\\d{1,2}(?:${escape(group)}\\d{2}){1,6}${escape(group)}\\d{3}`;
  const number = new RegExp(`^(\\d{1,15}|${groups})(?:${escape(decimal)}(\\d{1,10}))?$`);
  return (text) => {
    const match = number.exec(text.trim());
    if (!match) return null;
    return BigInt(match[1].replaceAll(group, "") + (match[2] ?? "").padEnd(places, "0"));
  };
}
