"""What people do today to find a clip in its photograph, each with its textbook thresholds."""

from importlib import import_module
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
"""3 x 3, from the clip's pixel centres to the photograph's; None where it refuses."""


def sift_similarity(original: Any, clip: Any) -> Matrix | None:
    """SIFT, ratio .75, RANSAC similarity, at least 10 inliers; mirrored where that has more."""
    found: list[tuple[int, Matrix]] = []
    width = clip.shape[1]
    for mirrored in (False, True):
        shown = np.ascontiguousarray(clip[:, ::-1]) if mirrored else clip
        pairs = _matches(cv2.SIFT.create(), cv2.NORM_L2, original, shown, 0.75)
        if pairs is None or len(pairs[0]) < 4:
            continue
        fitted: Any = cv2.estimateAffinePartial2D(*pairs, method=cv2.RANSAC)
        matrix, inliers = fitted
        if matrix is None or inliers.sum() < 10:
            continue
        whole = np.vstack([matrix, [0, 0, 1]])
        if mirrored:
            whole = whole @ np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]])
        found.append((int(inliers.sum()), whole))
    return max(found, key=lambda one: one[0])[1] if found else None


def sift_homography(original: Any, clip: Any) -> Matrix | None:
    """OpenCV's tutorial: SIFT, ratio test .7, RANSAC homography of 5 pixels, 10 matches."""
    pairs = _matches(cv2.SIFT.create(), cv2.NORM_L2, original, clip, 0.7)
    return _homography(pairs, 5.0)


def orb_homography(original: Any, clip: Any) -> Matrix | None:
    """ORB with 5000 features, cross-checked, RANSAC homography of 3 pixels, 10 matches."""
    pairs = _matches(cv2.ORB.create(5000), cv2.NORM_HAMMING, original, clip, None)
    return _homography(pairs, 3.0)


def scans(original: Any, clip: Any) -> Matrix | None:
    """OpenCV's Stitcher in its mode for scans: the affine that its cameras hold."""
    stitcher = cv2.Stitcher.create(cv2.Stitcher_SCANS)
    try:
        state = stitcher.estimateTransform([original, clip])
    except cv2.error:  # FLANN asserts where an image has hardly a keypoint
        return None
    if state != cv2.Stitcher_OK:
        return None
    cameras = stitcher.cameras()
    if len(cameras) != 2:
        return None
    scale = stitcher.workScale()
    to_clip = np.linalg.inv(cameras[1].R.astype(np.float64)) @ cameras[0].R.astype(np.float64)
    work = np.diag([scale, scale, 1.0])
    return np.asarray(np.linalg.inv(np.linalg.inv(work) @ to_clip @ work), np.float64)


def skimage_orb(original: Any, clip: Any) -> Matrix | None:
    """scikit-image: ORB with 1000 keypoints, RANSAC similarity of 2 pixels, 10 inliers."""
    from skimage.feature import ORB, match_descriptors
    from skimage.measure import ransac
    from skimage.transform import SimilarityTransform

    places: list[Any] = []
    descriptors: list[Any] = []
    for image in (clip, original):
        finder: Any = ORB(n_keypoints=1000)
        try:
            finder.detect_and_extract(_grey(image) / 255)
        except RuntimeError:  # no keypoint
            return None
        places.append(finder.keypoints[:, ::-1])
        descriptors.append(finder.descriptors)
    if not all(map(len, descriptors)):
        return None
    matches = match_descriptors(*descriptors, cross_check=True)
    if len(matches) < 10:
        return None
    fitted: Any = ransac(
        (places[0][matches[:, 0]], places[1][matches[:, 1]]),
        SimilarityTransform,
        min_samples=2,
        residual_threshold=2,
        max_trials=2000,
        rng=0,
    )
    model, inliers = fitted
    if model is None or inliers is None or inliers.sum() < 10:
        return None
    return np.asarray(model.params, np.float64)


def fourier_mellin(original: Any, clip: Any) -> Matrix | None:
    """imreg_dft: similarity by phase correlation, both on one canvas; it never refuses.

    Not installed with maskmill: ``pip install --no-deps imreg_dft``.
    """
    imreg_dft: Any = import_module("imreg_dft")
    height, width = np.maximum(original.shape[:2], clip.shape[:2])
    planes: list[Any] = []
    places: list[Matrix] = []
    for image in (original, clip):
        grey = _grey(image).astype(float)
        top, left = (height - grey.shape[0]) // 2, (width - grey.shape[1]) // 2
        plane = np.full((height, width), np.median(grey))
        plane[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
        planes.append(plane)
        places.append(np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float64))
    try:
        found = imreg_dft.similarity(*planes)
    except (ValueError, IndexError):  # its search for a peak ran out of the picture
        return None
    turn, middle = np.deg2rad(found["angle"]), np.array([width - 1, height - 1]) / 2
    linear = found["scale"] * np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    whole = np.eye(3)
    whole[:2, :2] = linear
    whole[:2, 2] = middle - linear @ middle + found["tvec"][::-1]
    return np.asarray(np.linalg.inv(places[0]) @ whole @ places[1], np.float64)


BASELINES = {
    "SIFT similarity + mirror": sift_similarity,
    "SIFT homography": sift_homography,
    "ORB homography": orb_homography,
    "Stitcher SCANS": scans,
    "scikit-image ORB": skimage_orb,
    "imreg_dft": fourier_mellin,
}


def _grey(image: Any) -> Any:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _matches(
    finder: Any, norm: int, original: Any, clip: Any, ratio: float | None
) -> tuple[Any, Any] | None:
    ours, found = finder.detectAndCompute(_grey(clip), None)
    theirs, known = finder.detectAndCompute(_grey(original), None)
    if found is None or known is None or len(found) < 4 or len(known) < 4:
        return None
    if ratio is None:
        kept = list(cv2.BFMatcher(norm, crossCheck=True).match(found, known))
    else:
        pairs = cv2.BFMatcher(norm).knnMatch(found, known, k=2)
        kept = [p[0] for p in pairs if len(p) == 2 and p[0].distance < ratio * p[1].distance]
    source = np.array([ours[match.queryIdx].pt for match in kept], np.float32)
    target = np.array([theirs[match.trainIdx].pt for match in kept], np.float32)
    return source, target


def _homography(pairs: tuple[Any, Any] | None, reach: float) -> Matrix | None:
    if pairs is None or len(pairs[0]) < 10:
        return None
    matrix, inliers = cv2.findHomography(*pairs, cv2.RANSAC, reach)
    if matrix is None or int(np.sum(inliers)) < 10:
        return None
    return matrix.astype(np.float64)
