// Flags of four neighbouring elements, one byte each, the first in the lowest byte: bit 0 says that
// the element is trained, bit 1 that weight decay applies to it.
const TRAINABLE = 0x01010101u;
const DECAYS = 0x02020202u;

fn has_flag(word: u32, flag: u32) -> vec4<bool> {
  return (vec4u(word & flag) & vec4u(0xffu, 0xff00u, 0xff0000u, 0xff000000u)) != vec4u(0u);
}
