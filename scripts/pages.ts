/** The pages for users. The other pages are for contributors and stay in the repository. */
const USER_PAGES = [
  'aws-credentials',
  'compatibility',
  'emulator',
  'faq',
  'fleet',
  'getting-started',
  'how-it-works',
  'iam-policies',
  'identity-center',
  'migrating',
  'observability',
  'options',
  'orms',
  'security',
  'testing',
  'troubleshooting',
]

/** The documentation in the package, with its images and examples. */
export const pages: readonly string[] = [
  ...USER_PAGES.map(name => `docs/${name}.md`),
  'docs/login.svg',
  'docs/phases.svg',
  'examples/*.ts',
  '!examples/demo.ts',
]
