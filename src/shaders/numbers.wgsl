// Stands for minus infinity, which WGSL may assume never to occur.
const LOWEST = -3.4028234663852886e38;
