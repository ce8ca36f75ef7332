// How much the page takes.

/** Tokens of a text that are read: the last ones of a longer text. */
export const mostTokens = 64;

/** Tokens that are written. */
export const newTokens = 24;

/** Bytes of weights, of 16 bits each, beyond which a model is not opened. */
export const mostBytes = 1.2e9;
