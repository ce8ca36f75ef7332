// WebGPU's flag values, spelled out because Node has no such globals.

export const STORAGE = 0x80;
export const UNIFORM = 0x40;
export const COPY_SRC = 0x04;
export const COPY_DST = 0x08;
export const MAP_READ = 0x01;
export const MAP_MODE_READ = 0x01;
export const STAGE_COMPUTE = 0x04;
export const TEXTURE_COPY_SRC = 0x01;
export const TEXTURE_COPY_DST = 0x02;
export const TEXTURE_RENDER = 0x10;
