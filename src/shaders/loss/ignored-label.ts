// The label of rows that do not count, as in PyTorch.

export const ignoredLabel = -100;
