import numpy as np
from hypothesis import given, settings

from decisioning.allocation.problem import CustomerChunk
from decisioning.allocation.scoring import BLOCK_ROWS, best_of, priced_blocks
from tests.decisioning.allocation.build import Few, few


@settings(deadline=None)
@given(few())
def test_prices_are_subtracted_for_what_is_consumed_and_the_best_is_found(small: Few):
    prices = np.arange(len(small.capacity)) * 0.5
    taken = [np.broadcast_to(one, small.chunk.gain.shape) for one in small.chunk.consumption]
    expected = small.chunk.gain - sum(price * amounts for price, amounts in zip(prices, taken, strict=True))
    for block, priced in priced_blocks(small.chunk, prices):
        np.testing.assert_allclose(priced, expected[block], rtol=1e-12, atol=1e-12)
        clear = np.where(np.isnan(priced), -np.inf, priced)
        best, worth = best_of(priced)
        assert best.tolist() == clear.argmax(axis=1).tolist()
        assert worth.tolist() == clear.max(axis=1).tolist()


def test_blocks_cover_every_row_once_and_leave_the_chunk_alone():
    gain = np.random.default_rng(7).random((2 * BLOCK_ROWS + 5, 3))
    kept = gain.copy()
    rows = [block for block, _ in priced_blocks(CustomerChunk(gain, (np.ones(3),)), np.ones(1))]
    assert [(block.start, block.stop) for block in rows] == [
        (0, BLOCK_ROWS),
        (BLOCK_ROWS, 2 * BLOCK_ROWS),
        (2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 5),
    ]
    assert (gain == kept).all()
