import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { pages as shippedPages } from '../../scripts/pages.js'
import { codeBlocks, headingAnchors, links } from '../support/markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, '.cache/docs')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** The files that a pattern such as `examples/*.ts` matches. */
const matching = (pattern: string): string[] =>
  readdirSync(join(root, dirname(pattern)))
    .filter(name => name.endsWith(extname(pattern)))
    .map(name => `${dirname(pattern)}/${name}`)

const markdownBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.md'))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => !relative(path, file).startsWith('api'))

/** The pages for readers; the API reference is generated. */
const pages = (): string[] =>
  ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'CONTRIBUTING.md', 'docs'].flatMap(name => {
    const path = join(root, name)
    if (!existsSync(path)) return []
    return name === 'docs' ? markdownBelow(path) : [path]
  })

describe('The documentation', () => {
  it('has only code that compiles', async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    let blocks = 0
    for (const page of pages())
      for (const { code, lastLine } of codeBlocks(readFileSync(page, 'utf8'), 'ts')) {
        const name = `${relative(root, page).replace(/\W+/g, '-')}-${lastLine}.ts`
        // Each block is a separate module.
        writeFileSync(join(folder, name), `${code}\nexport {}\n`)
        blocks++
      }
    expect(blocks).to.be.above(3)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: { noUnusedLocals: false, types: ['node'], typeRoots: ['../../node_modules/@types'] },
        include: ['*.ts'],
      }),
    )
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: root }).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).to.equal('')
    rmSync(folder, { recursive: true })
  })

  it('adds an error listener to each pool that it creates, except in tests', () => {
    const withoutListener: string[] = []
    for (const page of pages())
      for (const language of ['ts', 'js'])
        for (const { code, lastLine } of codeBlocks(readFileSync(page, 'utf8'), language))
          if (/= new (Redshift)?Pool\(/.test(code) && !code.includes("pool.on('error'") && !code.includes('/emulator'))
            withoutListener.push(`${relative(root, page)}:${lastLine}`)
    expect(withoutListener).to.deep.equal([])
  })

  it("links from the package's pages only to files in the package, except in the last lines of the README", () => {
    const shipped = new Set(
      shippedPages.flatMap(page => (page.includes('*') ? matching(page) : [page])).concat('README.md', 'LICENSE'),
    )
    const outside: string[] = []
    for (const page of [...shipped].filter(name => name.endsWith('.md') && name !== 'CHANGELOG.md')) {
      const [text = ''] = readFileSync(join(root, page), 'utf8').split('\nIn the repository:')
      for (const link of links(text)) {
        if (/^([a-z]+:|#)/.test(link)) continue
        const target = relative(root, resolve(root, dirname(page), link.split('#')[0] ?? ''))
        if (!shipped.has(target)) outside.push(`${page}: ${link}`)
      }
    }
    expect(outside).to.deep.equal([])
  })

  it('has no broken links', () => {
    const broken: string[] = []
    for (const page of pages())
      for (const link of links(readFileSync(page, 'utf8'))) {
        if (/^[a-z]+:/.test(link)) {
          if (!URL.canParse(link)) broken.push(`${relative(root, page)}: ${link}`)
          continue
        }
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : resolve(dirname(page), path)
        const found =
          existsSync(target) &&
          (!anchor || headingAnchors(readFileSync(target, 'utf8')).has(decodeURIComponent(anchor)))
        if (!found) broken.push(`${relative(root, page)}: ${link}`)
      }
    expect(broken).to.deep.equal([])
  })
})
