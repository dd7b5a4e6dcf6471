import { expect } from 'chai'
import { RedshiftPool } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { codeBlocks, headingAnchors } from '../support/markdown.js'
import { installedAs, read, rows } from '../support/orm-table.js'
import { rejection } from '../support/rejection.js'

const docs = read('docs/orms.md')
const withoutSpace = (code: string): string => code.replace(/\s+/g, ' ').trim()

describe('docs/orms.md', () => {
  it('has a row for each library, with the installed versions', () => {
    expect(rows).to.have.lengthOf(13)
    for (const { packages } of rows)
      for (const each of packages) expect(installedAs(each), `${each.name} ${each.version}`).to.be.a('string')
  })

  it('shows code of each example, and no other code', () => {
    const shown = new Set<string>()
    for (const section of docs.split(/^(?=## )/m)) {
      const anchors = headingAnchors(section)
      const row = rows.find(({ anchor }) => anchors.has(anchor))
      for (const { code } of codeBlocks(section, 'js')) {
        if (!row) throw new Error(`No row of the table leads to this code:\n${code}`)
        expect(withoutSpace(read(row.file)), row.file).to.include(withoutSpace(code))
        shown.add(row.file)
      }
    }
    // Objection uses the example of Knex.
    const files = rows.map(({ file }) => file).filter(file => file !== 'examples/objection.ts')
    expect([...shown].sort()).to.deep.equal([...new Set(files)].sort())
  })

  it("shows the schema of Prisma's example", () => {
    const [schema] = codeBlocks(docs, 'prisma')
    expect(schema?.code).to.equal(read('examples/prisma/schema.prisma'))
  })

  it('names the libraries that send statements that Redshift refuses', async () => {
    const refused = [...docs.matchAll(/^\| [\w-]+ \| `([^`]+)` \| (\w{5}) \|$/gm)]
    expect(refused).to.have.lengthOf(4)
    const emulator = await startEmulator({ redshiftDialect: true })
    const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: { aws: emulator.aws } })
    for (const [, sql = '', sqlstate] of refused)
      expect(await rejection(pool.query(sql)), sql).to.have.property('code', sqlstate)
    await pool.end()
    await emulator.close()
  })
})
