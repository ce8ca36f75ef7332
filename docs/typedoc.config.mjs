// How the reference is made of the docstrings in src: a name or a member that has none fails the build.

/** Members of small objects, which the docstring of the object tells of. */
const parts = {
  'webgpu-transformer': {
    'DetectedObject.box': ['xmin', 'ymin', 'xmax', 'ymax'],
    'FileProgress.overall': ['loaded', 'total'],
    'ImageProcessor.process': ['pixelValues'],
    'ImageProcessor.range': ['black', 'white'],
    'Model.stream': ['tokenIds'],
  },
  training: {
    Preference: ['prompt', 'chosen', 'rejected'],
    PruneHeadsOptions: ['heads', 'count', 'scores'],
    'TrainerOptions.penalty': ['l1', 'l2'],
  },
};

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  plugin: ['typedoc-plugin-markdown'],
  tsconfig: 'tsconfig.json',
  entryPoints: ['webgpu-transformer', 'training', 'interpret', 'metrics'].map(
    (name) => `entries/${name}.ts`,
  ),
  out: 'reference',
  name: 'API reference',
  readme: 'none',
  entryFileName: 'index',
  outputFileStrategy: 'modules',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  // The compiler of the project, which is newer, has checked all of it.
  skipErrorChecking: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  treatValidationWarningsAsErrors: true,
  packagesRequiringDocumentation: ['webgpu-transformer'],
  requiredToBeDocumented: [
    'Class',
    'Interface',
    'Function',
    'TypeAlias',
    'Variable',
    'Property',
    'Method',
    'Accessor',
    'Constructor',
  ],
  intentionallyNotDocumented: Object.entries(parts).flatMap(([entry, objects]) =>
    Object.entries(objects).flatMap(([object, names]) =>
      names.map((name) => `${entry}.${object}.__type.${name}`),
    ),
  ),
};
