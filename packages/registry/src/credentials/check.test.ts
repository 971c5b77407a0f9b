import { expect, it } from "vitest";
import { isOcspAnswer } from "./check.ts";

const sequence = (...content: number[]) => Uint8Array.of(0x30, content.length, ...content);
const answer = [0x0a, 0x01, 0x00, 0xa0, 0x00];

it.each<[string, Uint8Array, boolean]>([
  ["an answer", sequence(...answer), true],
  ["a long one", Uint8Array.of(0x30, 0x82, 0, 5, ...answer), true],
  ["a refusal", sequence(0x0a, 0x01, 0x06), false],
  ["something after it", Uint8Array.of(...sequence(...answer), 0), false],
  ["one that is cut off", sequence(...answer).subarray(0, 5), false],
  ["an endless one", Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, ...answer), false],
  ["a length that is cut off", Uint8Array.of(0x30, 0x84, 0), false],
  ["nothing", new Uint8Array(), false],
  ["PEM", Buffer.from("-----BEGIN OCSP RESPONSE-----"), false],
])("%s", (_, bytes, is) => expect(isOcspAnswer(bytes)).toBe(is));
