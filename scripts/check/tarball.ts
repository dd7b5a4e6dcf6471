import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Row } from './project.js'

/** What it may weigh, of which the documentation has about 45: a jump means that something slipped in. */
const MOST_KILOBYTES = 400
const EXPECTED =
  /^package\/(dist\/.+|\w+\/package\.json|docs\/[\w-]+\.(md|svg)|examples\/[\w-]+\.ts|(README|CHANGELOG)\.md|LICENSE|package\.json)$/

/** What npm would publish. */
export const tarball: readonly Row[] = [
  {
    name: 'tarball',
    async run({ tarball }) {
      const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
      const strange = files.filter(file => !EXPECTED.test(file))
      if (strange.length > 0) throw new Error(`It holds ${strange.join(', ')}.`)
      const kilobytes = Math.round(statSync(tarball).size / 1024)
      if (kilobytes > MOST_KILOBYTES) throw new Error(`It weighs ${kilobytes} kB, more than ${MOST_KILOBYTES}.`)
      return `${files.length} files, ${kilobytes} kB`
    },
  },
]
