import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { rows } from '../../scripts/check/rows.js'

const page = readFileSync(fileURLToPath(new URL('../../docs/compatibility.md', import.meta.url)), 'utf8')

describe('docs/compatibility.md', () => {
  it('has a row for everything that is tested, and no other', () => {
    // The table of partitions ends in host names.
    const named = [...page.matchAll(/^\| .* \| `([\w-]+(?:\.\d+)*)` \|$/gm)].map(([, name]) => name)
    const run = [...rows.package, ...rows.runtimes].map(({ name }) => name)
    expect(named).to.have.members(run.filter(name => name !== 'tarball'))
  })

  it('names the oldest SDK that npm may install', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    for (const client of ['@aws-sdk/client-redshift', '@aws-sdk/client-redshift-serverless'])
      expect(page).to.include(` ${dependencies[client].slice(1)}, the oldest`)
  })
})
