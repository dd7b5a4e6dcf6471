/** Rolls up the declarations of each entry point into one file. On request, it also writes the report of the types (`api/`). */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { type Entry, entries, root } from './entries.js'

/** The folder for the compiler's output: one declaration file for each source file. */
const compiled = join(root, '.cache/types')

/** @param folder where to write the declarations, usually `dist` */
export function buildTypes(folder: string, { reports = false } = {}): void {
  rmSync(compiled, { recursive: true, force: true })
  const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')]
  execFileSync(process.execPath, compiler, { stdio: 'inherit' })
  mkdirSync(join(folder, 'import'), { recursive: true })
  for (const entry of entries) {
    const file = join(folder, `${entry.name}.d.cts`)
    rollUp(entry, file, reports)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, requirable(text, entry))
    // TypeScript treats a second copy of a class with private members as a different type.
    writeFileSync(join(folder, `import/${entry.name}.d.mts`), `export * from '../${entry.name}.cjs'\n`)
  }
}

/** Replaces default imports of pg, which compile only with `esModuleInterop`. */
function requirable(text: string, { name }: Entry): string {
  if (name !== 'index' && /^(export )?declare (abstract )?class /m.test(text))
    throw new Error(
      `The types of ${name} contain a copy of a class, which is a different type. Export an interface instead.`,
    )
  return text.replace(/^import (type )?(\w+) from 'pg';$/gm, "import $1* as $2 from 'pg';")
}

function rollUp({ name, source }: Entry, untrimmedFilePath: string, reports: boolean): void {
  if (reports) mkdirSync(join(root, 'api'), { recursive: true })
  const { succeeded } = Extractor.invoke(
    ExtractorConfig.prepare({
      packageJsonFullPath: join(root, 'package.json'),
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: join(compiled, source.replace(/^lib\//, '').replace(/\.ts$/, '.d.ts')),
        compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
        newlineKind: 'lf',
        apiReport: {
          enabled: reports,
          reportFolder: join(root, 'api'),
          reportTempFolder: join(root, '.cache/api'),
          reportFileName: `${name}.api.md`,
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: true, untrimmedFilePath },
        tsdocMetadata: { enabled: false },
        messages: {
          // Users cannot name types that index.ts does not export.
          extractorMessageReporting: {
            default: { logLevel: 'none' as never },
            'ae-forgotten-export': { logLevel: (reports ? 'error' : 'none') as never },
          },
          tsdocMessageReporting: { default: { logLevel: 'none' as never } },
        },
      },
    }),
    {
      localBuild: true,
      messageCallback: message => {
        if (message.logLevel === 'verbose' || message.logLevel === 'info') message.handled = true
      },
    },
  )
  if (!succeeded) throw new Error(`The types of ${name} could not be rolled up.`)
}
