import { bundlers } from './bundlers.js'
import { node } from './node.js'
import { packageManagers } from './package-managers.js'
import type { Row } from './project.js'
import { runtimes } from './runtimes.js'
import { sdk } from './sdk.js'
import { tarball } from './tarball.js'
import { testRunners } from './test-runners.js'
import { typescript } from './typescript.js'

/** The rows of `npm run check:package` and `npm run check:runtimes`: those of docs/compatibility.md, and the tarball. */
export const rows: Readonly<Record<'package' | 'runtimes', readonly Row[]>> = {
  package: [...tarball, ...node, ...typescript, ...testRunners, ...bundlers, ...packageManagers],
  runtimes: [...runtimes, ...sdk],
}
