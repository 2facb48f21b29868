"""What recognises likeness: embeddings, and the index that finds near ones among the people it may compare.

Enters: embeddings of one model, and int64 ids. Leaves: nothing yet that another room may show; similarities stay in
this room, because scores of somebody's own choosing rebuild the vector that they were compared with.

    from matching import Embeddings
    from matching.index import VectorIndex               # for modules of this room only
    index = VectorIndex(model="taste-3", dimension=64)
    index.add(np.array([17, 42]), Embeddings(vectors, "taste-3"))
    nearest = index.search(probe, 1, allowed=np.array([17])).ids

`docs/matching-index.md` says what the index promises, what it refuses and how a person leaves it.
"""

from matching.embeddings import Embeddings

__all__ = ["Embeddings"]
