/** What users read without the repository. The other pages are for those who work on the package, and come with it. */
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

/** Documentation that is in the package, with what it shows. */
export const pages: readonly string[] = [
  ...USER_PAGES.map(name => `docs/${name}.md`),
  'docs/login.svg',
  'docs/phases.svg',
  'examples/*.ts',
  '!examples/demo.ts',
]
