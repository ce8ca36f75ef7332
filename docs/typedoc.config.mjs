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

/** Types that exported ones are made of, and that say nothing to a reader: the exported ones tell what they come to. */
const notExported = [
  'src/runtime/platform-types.ts:Platform',
  'src/tasks/pipeline.ts:Aliases',
  'src/tasks/pipeline.ts:PipelineOf',
  'src/tasks/task-table.ts:Tasks',
  'src/training/trainer-options.ts:CheckedOptions',
];

/**
 * Names the package that is documented. The nearest package.json is the site's, and of packages other than the named
 * one TypeDoc tells no name that is used but not exported.
 * @typedef {{ project: { packageName?: string } }} Context
 * @param {{ converter: { on: (event: 'resolveEnd', listener: (context: Context) => void) => void } }} app
 */
function namePackage(app) {
  app.converter.on('resolveEnd', ({ project }) => {
    project.packageName = 'webgpu-transformer';
  });
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  plugin: ['typedoc-plugin-markdown', namePackage],
  tsconfig: 'tsconfig.json',
  entryPoints: ['webgpu-transformer', 'training', 'interpret', 'jobs', 'metrics', 'serve'].map(
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
  intentionallyNotExported: notExported,
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
