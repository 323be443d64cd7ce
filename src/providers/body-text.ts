/** The text of an answer. Nothing asks for compression, but an API or a proxy may send it all the same. */
import {
  brotliDecompressSync,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib'

type Headers = Readonly<Record<string, string | string[] | undefined>>
type Unpack = (packed: Buffer, options: { readonly maxOutputLength: number }) => Buffer

const unpackers: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  // Some send it without the head that it should have.
  [
    'deflate',
    (packed, options) =>
      ((packed[0] ?? 0) & 15) === 8
        ? inflateSync(packed, options)
        : inflateRawSync(packed, options),
  ],
  ['br', brotliDecompressSync],
  ['zstd', zstdDecompressSync],
])

const valueOf = (headers: Headers, name: string): string => {
  const value = headers[name]
  return (Array.isArray(value) ? value.join(',') : (value ?? '')).toLowerCase()
}

/** JSON is UTF-8, but some that is older than that says otherwise. A mark at the beginning goes. */
const decoderOf = (content_type: string): InstanceType<typeof TextDecoder> => {
  const named = /;\s*charset\s*=\s*"?([^\s;"]+)/.exec(content_type)?.[1]
  try {
    return new TextDecoder(named ?? 'utf-8')
  } catch {
    return new TextDecoder()
  }
}

/**
 * Throws where it is not what its headers say, or is larger than `bytes_max` when unpacked. At once: an answer that is
 * there must not be overtaken by the end of its time.
 */
export const textOf = (raw: Buffer, headers: Headers, bytes_max: number): string => {
  let body = raw
  const encodings = valueOf(headers, 'content-encoding').split(',')
  for (const encoding of encodings.map((name) => name.trim()).reverse()) {
    if (encoding === '' || encoding === 'identity' || body.length === 0) continue
    const unpack = unpackers.get(encoding)
    if (unpack === undefined) throw new Error('it is packed in a way that is not known')
    body = unpack(body, { maxOutputLength: bytes_max })
  }
  return decoderOf(valueOf(headers, 'content-type')).decode(body)
}
