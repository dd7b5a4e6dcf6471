/**
 * Generates the report of the public types (`api/`), so that changes show up in review, and the reference (`docs/api/`). CI checks that
 * the committed files are up to date.
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
