/* Opens what the vault sealed to this page: a P-256 pair whose private half never leaves WebCrypto, nor outlives the page. */
const CURVE = { name: "ECDH", namedCurve: "P-256" };
const FORMAT = 1;
const POINT = 65;
const NONCE = 12;
const PURPOSE = "keystall answer";

/** Whether this browser can keep a key: not over plain http. */
export const canOpen = () => Boolean(globalThis.isSecureContext && globalThis.crypto?.subtle);

/** A fresh pair: `key` cannot be read out, `point` (65 bytes) is what the vault seals to. */
export async function makeReader() {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  return { key: pair.privateKey, point: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

/** Joins parts, each with its length (4 bytes, big endian), as `framed` of core/vault/primitives.py does. */
export function framed(...parts) {
  const raw = parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : part));
  const joined = new Uint8Array(raw.reduce((sum, part) => sum + 4 + part.length, 0));
  let at = 0;
  for (const part of raw) {
    new DataView(joined.buffer).setUint32(at, part.length);
    joined.set(part, at + 4);
    at += 4 + part.length;
  }
  return joined;
}

const uuidBytes = (text) => Uint8Array.from(text.replaceAll("-", "").match(/../g), (pair) => parseInt(pair, 16));

/** The context of one delivery sealed to one reader, as `answer_context` makes it. */
export const answerContext = (delivery, reader) => framed("delivery", uuidBytes(delivery), uuidBytes(reader));

/** The bytes that were sealed to `reader` under `context`. Throws for another reader, context or an altered bit. */
export async function openSealed(reader, sealed, context) {
  if (sealed[0] !== FORMAT) throw new Error("a seal of another format");
  const theirs = sealed.slice(1, 1 + POINT);
  const nonce = sealed.slice(1 + POINT, 1 + POINT + NONCE);
  const aad = framed(PURPOSE, context);
  const peer = await crypto.subtle.importKey("raw", theirs, CURVE, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: peer }, reader.key, 256);
  const stem = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const info = framed(aad, theirs, reader.point);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  const key = await crypto.subtle.deriveKey(hkdf, stem, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, key, sealed.slice(1 + POINT + NONCE));
  return new Uint8Array(opened);
}

/** Bytes as base64 and back. */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const fromBase64 = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
