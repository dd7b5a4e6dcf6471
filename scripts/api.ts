/**
 * Writes down the public API as it is built: a report of its types (`api/`), in which a change shows in review, and the reference
 * for people (`docs/api/`). The build checks that what is committed is what comes out.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { buildTypes } from './build-types.js'
import { entries, root } from './entries.js'

buildTypes(join(root, 'dist'), { reports: true })
const sources = entries.flatMap(({ source }) => ['--entryPoints', source])
execFileSync(process.execPath, [join(root, 'node_modules/typedoc/bin/typedoc'), ...sources], {
  cwd: root,
  stdio: 'inherit',
})
