// What the keys and values that generation caches may be stored in.

/** `f16` needs heads of even sizes. */
export const cacheDtypes = ['f32', 'f16'] as const;
export type CacheDtype = (typeof cacheDtypes)[number];
