import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Row } from './project.js'

/** The limit of its size. The command line takes about 110 of it, and the documentation 70. */
const MOST_KILOBYTES = 365
const EXPECTED =
  /^package\/(dist\/.+|\w+\/package\.json|docs\/[\w-]+\.(md|svg)|examples\/[\w-]+\.ts|(README|CHANGELOG)\.md|LICENSE|package\.json)$/

/** The files that npm would publish. */
export const tarball: readonly Row[] = [
  {
    name: 'tarball',
    async run({ tarball }) {
      const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
      const strange = files.filter(file => !EXPECTED.test(file))
      if (strange.length > 0) throw new Error(`The tarball contains unexpected files: ${strange.join(', ')}.`)
      const kilobytes = Math.round(statSync(tarball).size / 1024)
      if (kilobytes > MOST_KILOBYTES)
        throw new Error(`The tarball has ${kilobytes} kB, more than ${MOST_KILOBYTES} kB.`)
      return `${files.length} files, ${kilobytes} kB`
    },
  },
]
