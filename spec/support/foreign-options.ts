import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const require = createRequire(import.meta.url)

/** The property names of a type that a module exports. */
export function typedOptions(module: string, type: string): string[] {
  const file = join(import.meta.dirname, 'asked.ts')
  const host = ts.createCompilerHost({})
  const { getSourceFile } = host
  const text = `import type { ${type} } from '${module}'\nexport type Asked = ${type}\n`
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext) : getSourceFile.call(host, name, ...rest)
  const options = { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: [] }
  const program = ts.createProgram([file], options, host)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const alias = source?.statements.find(ts.isTypeAliasDeclaration)
  if (!alias) throw new Error('The type was not found.')
  return checker
    .getTypeAtLocation(alias.name)
    .getProperties()
    .map(({ name }) => name)
}

/** The options that the sources of pg and pg-pool read, in their types or not. */
export function readOptions(): string[] {
  const pg = dirname(require.resolve('pg/package.json'))
  const files = [join(pg, 'lib/client.js'), join(pg, 'lib/connection-parameters.js'), require.resolve('pg-pool')]
  const found = files.flatMap(file => [
    ...readFileSync(file, 'utf8').matchAll(/\b(?:c|config|options)\.(\w+)|\bval\('(\w+)'/g),
  ])
  return found.map(([, property, value]) => property ?? value ?? '')
}
